"""Stochastic descent with any optimiser of optax; Adam by name."""

import abc
import math
from collections.abc import Callable
from dataclasses import KW_ONLY

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import PRNGKeyArray

from ..errors import InputError, check_count, check_kind, check_positive
from ..networks import AbstractNetwork, flatten, partition
from ..precision import compiled
from ..samplers import AbstractSampler, Uniform
from ._base import AbstractFitStage, FitProgress, StageResult
from ._objective import AbstractObjective


class AbstractOptaxDescent(AbstractFitStage):
    """Steps of an optimiser of optax, each on new points."""

    steps: eqx.AbstractVar[int]
    reports: eqx.AbstractVar[int]

    @abc.abstractmethod
    def make_optimiser(self) -> optax.GradientTransformation:
        """The optimiser."""

    @abc.abstractmethod
    def make_sampler(self) -> AbstractSampler:
        """The sampler of the points of a step."""

    def run(
        self,
        network: AbstractNetwork,
        objective: AbstractObjective,
        key: PRNGKeyArray,
        measure: Callable[[AbstractNetwork], float],
        progress: Callable[[FitProgress], None],
    ) -> tuple[AbstractNetwork, StageResult]:
        name = type(self).__name__.lower()
        state = self.make_optimiser().init(partition(network)[0])
        sampler_state = objective.init(self.make_sampler(), flatten(network)[0].dtype, key)
        chunk_size, error = -(-self.steps // self.reports), measure(network)
        for start in range(0, self.steps, chunk_size):
            stop = min(start + chunk_size, self.steps)
            numbers = jnp.arange(start, stop)  # of the steps, which their keys depend on alone
            trial, state, sampler_state = _take(
                self, network, state, sampler_state, objective, key, numbers
            )
            trial_error = measure(trial)
            if not math.isfinite(trial_error):
                ending = (
                    f"the held-out error is not finite after {stop} steps: the network of the "
                    "previous report is returned"
                )
                return network, StageResult(name, start, error, ending)
            network, error = trial, trial_error
            progress(FitProgress(name, stop, self.steps, error))
        return network, StageResult(name, self.steps, error, "all of its steps")


class OptaxDescent(AbstractOptaxDescent):
    """Any optimiser of optax on new points at each step.

    **Arguments:**

    - `optimiser`: an `optax.GradientTransformation` that needs nothing but the gradient.
    - `steps`: optimiser steps.
    - `sampler`: that of the points of each step.
    - `reports`: held-out measurements, evenly spread over the steps.

    **Raises:** `InputError` for a count below one or parts of the wrong kind.

    ```python
    import optax
    stage = nivp.OptaxDescent(optax.lion(1e-3), steps=5_000)
    ```
    """

    optimiser: optax.GradientTransformation = eqx.field(static=True)
    _: KW_ONLY
    steps: int = eqx.field(static=True)
    sampler: AbstractSampler = Uniform(1_000)
    reports: int = eqx.field(static=True, default=20)

    def __check_init__(self):
        check_kind("optimiser", self.optimiser, optax.GradientTransformation)
        check_kind("sampler", self.sampler, AbstractSampler)
        for name in ("steps", "reports"):
            check_count(name, getattr(self, name))
        _check_optimiser(self.optimiser)

    def make_optimiser(self) -> optax.GradientTransformation:
        return self.optimiser

    def make_sampler(self) -> AbstractSampler:
        return self.sampler


class Adam(AbstractOptaxDescent):
    """Adam on new points at each step.

    **Arguments:**

    - `steps`: optimiser steps.
    - `learning_rate`: the learning rate of the first step. Good values: 1e-3 to 1e-2.
    - `num_points`: uniform points of each step.
    - `cosine_decay`: whether the learning rate decays to zero along a cosine, or is constant.
    - `reports`: held-out measurements, evenly spread over the steps.

    **Raises:** `InputError` for a count below one or a rate that is not positive.

    ```python
    stages = (nivp.Adam(steps=5_000, learning_rate=5e-3), nivp.LastLayer())
    method = nivp.NeuralIVP(sampler=nivp.Uniform(500), velocity_solver=nivp.RidgeDual(), fit=stages)
    ```
    """

    steps: int = eqx.field(static=True, default=20_000)
    learning_rate: float = eqx.field(static=True, default=5e-3)
    num_points: int = eqx.field(static=True, default=1_000)
    cosine_decay: bool = eqx.field(static=True, default=True)
    reports: int = eqx.field(static=True, default=20)

    def __check_init__(self):
        for name in ("steps", "num_points", "reports"):
            check_count(name, getattr(self, name))
        check_positive("learning_rate", self.learning_rate)
        check_kind("cosine_decay", self.cosine_decay, bool)

    def make_optimiser(self) -> optax.GradientTransformation:
        rate = self.learning_rate
        return optax.adam(
            optax.cosine_decay_schedule(rate, self.steps) if self.cosine_decay else rate
        )

    def make_sampler(self) -> AbstractSampler:
        return Uniform(self.num_points)


def _check_optimiser(optimiser: optax.GradientTransformation) -> None:
    try:
        jax.eval_shape(lambda x: optimiser.update(x, optimiser.init(x), x), jnp.zeros(1))
    except TypeError as error:
        raise InputError(
            f"`optimiser` must need nothing but the gradient ({error}): one with a line search is "
            "for a target without noise; take `GaussNewton`"
        ) from error


@compiled
def _take(stage: AbstractOptaxDescent, network, state, sampler_state, objective, key, numbers):
    """Take the steps of these numbers."""
    parameters, static = partition(network)
    optimiser, sampler = stage.make_optimiser(), stage.make_sampler()

    def loss(parameters, batch):
        misfit = objective.misfit(eqx.combine(parameters, static), batch)
        return jnp.sum(batch.sample.weights @ misfit**2)

    def step(carry, number):
        parameters, state, sampler_state = carry
        draw_key = jax.random.fold_in(key, number)
        network = eqx.combine(parameters, static)
        batch, sampler_state = objective.draw(sampler, sampler_state, network, draw_key)
        gradient = jax.grad(loss)(parameters, batch)
        update, state = optimiser.update(gradient, state, parameters)
        return (optax.apply_updates(parameters, update), state, sampler_state), None

    (parameters, state, sampler_state), _ = jax.lax.scan(
        step, (parameters, state, sampler_state), numbers
    )
    return eqx.combine(parameters, static), state, sampler_state
