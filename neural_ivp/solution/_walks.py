"""Particles of the stochastic process of a density, from the first time to any other."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from ..precision import compiled
from ..problems import AbstractDensityProblem
from ..types import Points, Scalar, Time

# Walks that are kept for further statistics of the same particles.
KEPT = 2


class Walk(NamedTuple):
    """Particles, and the same as moved by the error of the steps."""

    points: Points
    moved: Points


class Walks:
    """Particles of a process at time t, kept for a few times.

    **Arguments:**

    - `problem`: of the process and its initial density.
    - `t0`: the time of the initial density.
    """

    def __init__(self, problem: AbstractDensityProblem, t0: float):
        self.problem, self.t0 = problem, t0
        self._kept: dict[tuple, Walk] = {}

    def __call__(self, t: float, count: int, steps: int, dtype, key: PRNGKeyArray) -> Walk:
        """`count` particles after at least `steps` equal Euler-Maruyama steps."""
        numbers = tuple(np.ravel(jax.random.key_data(key)).tolist())
        name = float(t), count, steps, str(dtype), numbers
        if name not in self._kept:
            found = _walk(self.problem, count, self.t0, float(t), steps, dtype, key)
            while len(self._kept) >= KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[name] = found
        return self._kept[name]


def _walk(
    problem: AbstractDensityProblem, count: int, t0: float, t1: float, steps: int, dtype, key
) -> Walk:
    """Euler-Maruyama steps integrate the drift by a sum of its values at their beginnings; that of
    the trapezoidal rule is larger by half a step times the difference of the first and last one.
    What this changes in a statistic estimates its error from the steps."""
    start_key, walk_key = jax.random.split(key)
    first, drift = _first(problem, count, jnp.asarray(t0, dtype), start_key)
    points = problem.process.walk(first, t0, t1, walk_key, steps)
    change = _drift(problem, jnp.asarray(t1, dtype), points) - drift
    return Walk(points, points + (t1 - t0) / steps / 2 * change)


@compiled
def _first(problem: AbstractDensityProblem, count: int, t: Scalar, key: PRNGKeyArray):
    points = problem.process.initial.sample(count, key).astype(t.dtype)
    return points, _drift(problem, t, points)


@compiled
def _drift(problem: AbstractDensityProblem, t: Time, points: Points) -> Points:
    return jax.vmap(lambda x: jnp.asarray(problem.process.drift(t, x), x.dtype))(points)
