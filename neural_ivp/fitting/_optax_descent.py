"""Stochastic descent with any optimiser of optax; Adam by name."""

import abc
import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import PRNGKeyArray

from ..errors import InputError, check_count, check_kind, check_positive
from ..networks import AbstractNetwork, flatten, partition
from ..samplers import AbstractSampler, Uniform
from ._base import AbstractFitStage, FitProgress, StageResult
from ._objective import AbstractObjective


class AbstractOptaxDescent(AbstractFitStage):
    """Steps of an optimiser of optax, each on fresh points."""

    steps: eqx.AbstractVar[int]
    reports: eqx.AbstractVar[int]

    @abc.abstractmethod
    def optimise(self) -> optax.GradientTransformation:
        """The optimiser."""

    @abc.abstractmethod
    def points(self) -> AbstractSampler:
        """What draws the points of a step."""

    def run(
        self,
        network: AbstractNetwork,
        objective: AbstractObjective,
        key: PRNGKeyArray,
        measure: Callable[[AbstractNetwork], float],
        progress: Callable[[FitProgress], None],
    ) -> tuple[AbstractNetwork, StageResult]:
        name = type(self).__name__.lower()
        state = self.optimise().init(partition(network)[0])
        sampler_state = objective.init(self.points(), flatten(network)[0].dtype, key)
        chunk_size, error = -(-self.steps // self.reports), measure(network)
        for start in range(0, self.steps, chunk_size):
            stop = min(start + chunk_size, self.steps)
            # A step's key depends on its number alone, not on how the steps are chunked.
            numbers = jnp.arange(start, stop)
            taken, state, sampler_state = _take(
                self, network, state, sampler_state, objective, key, numbers
            )
            reached = measure(taken)
            if not math.isfinite(reached):
                ending = f"it is not finite after {stop} steps; those of its report before are kept"
                return network, StageResult(name, start, error, ending)
            network, error = taken, reached
            progress(FitProgress(name, stop, self.steps, error))
        return network, StageResult(name, self.steps, error, "all of its steps")


class OptaxDescent(AbstractOptaxDescent):
    """Any optimiser of optax on fresh points at each step.

    **Arguments:**

    - `optimiser`: an `optax.GradientTransformation`, e.g. `optax.lion(1e-3)`.
    - `steps`: optimiser steps.
    - `sampler`: of the points of each step.
    - `reports`: held-out measurements, evenly spread over the steps.

    **Raises:** `InputError` for a count below one or parts of the wrong kind.
    """

    optimiser: optax.GradientTransformation = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    sampler: AbstractSampler
    reports: int = eqx.field(static=True)

    def __init__(
        self,
        optimiser: optax.GradientTransformation,
        *,
        steps: int,
        sampler: AbstractSampler = Uniform(1_000),  # noqa: B008 (immutable)
        reports: int = 20,
    ):
        check_kind("optimiser", optimiser, optax.GradientTransformation)
        check_kind("sampler", sampler, AbstractSampler)
        for name, count in (("steps", steps), ("reports", reports)):
            check_count(name, count)
        _check_optimiser(optimiser)
        self.optimiser, self.steps = optimiser, steps
        self.sampler, self.reports = sampler, reports

    def optimise(self) -> optax.GradientTransformation:
        return self.optimiser

    def points(self) -> AbstractSampler:
        return self.sampler


class Adam(AbstractOptaxDescent):
    """Adam on fresh points at each step, the learning rate decaying to zero along a cosine.

    **Arguments:**

    - `steps`: optimiser steps.
    - `learning_rate`: at the start. Good values: 1e-3 to 1e-2.
    - `num_points`: fresh uniform points of each step.
    - `decay`: whether the learning rate decays; the paper keeps it constant.
    - `reports`: held-out measurements, evenly spread over the steps.

    **Raises:** `InputError` for a count below one or a rate that is not positive.
    """

    steps: int = eqx.field(static=True, default=20_000)
    learning_rate: float = eqx.field(static=True, default=5e-3)
    num_points: int = eqx.field(static=True, default=1_000)
    decay: bool = eqx.field(static=True, default=True)
    reports: int = eqx.field(static=True, default=20)

    def __check_init__(self):
        for name in ("steps", "num_points", "reports"):
            check_count(name, getattr(self, name))
        check_positive("learning_rate", self.learning_rate)
        check_kind("decay", self.decay, bool)

    def optimise(self) -> optax.GradientTransformation:
        rate = self.learning_rate
        return optax.adam(optax.cosine_decay_schedule(rate, self.steps) if self.decay else rate)

    def points(self) -> AbstractSampler:
        return Uniform(self.num_points)


def _check_optimiser(optimiser: optax.GradientTransformation) -> None:
    """Whether gradient, state and parameters are all that it asks for."""
    some = jnp.zeros(1)
    try:
        jax.eval_shape(lambda x: optimiser.update(x, optimiser.init(x), x), some)
    except TypeError as error:
        raise InputError(
            f"`optimiser` must need nothing but the gradient ({error}): one with a line search is "
            "for a target without noise; take `GaussNewton`"
        ) from error


@eqx.filter_jit
def _take(
    stage: AbstractOptaxDescent,
    network,
    state,
    sampler_state,
    objective: AbstractObjective,
    key,
    numbers,
):
    """Take the steps of the given numbers."""
    parameters, static = partition(network)
    optimiser, sampler = stage.optimise(), stage.points()

    def loss(parameters, batch):
        misfit = objective.misfit(eqx.combine(parameters, static), batch)
        return jnp.sum(batch.sample.weights @ misfit**2)

    def step(carry, number):
        parameters, state, sampler_state = carry
        here = eqx.combine(parameters, static)
        batch, sampler_state = objective.draw(
            sampler, sampler_state, here, jax.random.fold_in(key, number)
        )
        gradient = jax.grad(loss)(parameters, batch)
        update, state = optimiser.update(gradient, state, parameters)
        return (optax.apply_updates(parameters, update), state, sampler_state), None

    (parameters, state, sampler_state), _ = jax.lax.scan(
        step, (parameters, state, sampler_state), numbers
    )
    return eqx.combine(parameters, static), state, sampler_state
