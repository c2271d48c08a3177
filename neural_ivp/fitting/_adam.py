"""Stochastic descent with optax's Adam."""

import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import PRNGKeyArray

from .._errors import check_count, check_positive
from ..networks import AbstractNetwork, flatten
from ..samplers import AbstractSampler, Uniform
from ._base import AbstractFitStage, FitProgress, Stage
from ._goal import AbstractGoal


class Adam(AbstractFitStage):
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

    def run(
        self,
        network: AbstractNetwork,
        goal: AbstractGoal,
        key: PRNGKeyArray,
        measure: Callable[[AbstractNetwork], float],
        report: Callable[[FitProgress], None],
    ) -> tuple[AbstractNetwork, Stage]:
        state = self._optimiser().init(eqx.filter(network, eqx.is_inexact_array))
        chunk = -(-self.steps // self.reports)
        error = math.inf
        for start in range(0, self.steps, chunk):
            stop = min(start + chunk, self.steps)
            # A step's key depends on its number alone, not on how the steps are chunked.
            network, state = _descend(self, network, state, goal, key, jnp.arange(start, stop))
            error = measure(network)
            report(FitProgress("adam", stop, self.steps, error))
        return network, Stage("adam", self.steps, error, "all of its steps")

    def _optimiser(self) -> optax.GradientTransformation:
        rate = self.learning_rate
        return optax.adam(optax.cosine_decay_schedule(rate, self.steps) if self.decay else rate)


@eqx.filter_jit
def _descend(stage: Adam, network, state, goal: AbstractGoal, key, step_numbers):
    """Take the steps of the given numbers."""
    optimiser = stage._optimiser()
    sampler: AbstractSampler = Uniform(stage.num_points)
    parameters, static = eqx.partition(network, eqx.is_inexact_array)
    memory = goal.init(sampler, flatten(network)[0].dtype, key)

    def loss(parameters, batch):
        misfit = goal.misfit(eqx.combine(parameters, static), batch)
        return jnp.sum(batch.sample.weights @ misfit**2)

    def step(carry, number):
        parameters, state = carry
        draw_key = jax.random.fold_in(key, number)
        batch, _ = goal.draw(sampler, memory, network, draw_key)
        gradient = jax.grad(loss)(parameters, batch)
        update, state = optimiser.update(gradient, state)
        return (optax.apply_updates(parameters, update), state), None

    (parameters, state), _ = jax.lax.scan(step, (parameters, state), step_numbers)
    return eqx.combine(parameters, static), state
