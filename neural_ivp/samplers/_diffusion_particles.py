"""Particles of the stochastic differential equation of a problem."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from ..densities import DiffusionProcess
from ..devices import over_devices
from ..domains import AbstractDomain
from ..errors import InputError, check_count
from ..types import Field, Points, Scalar, WeightedPoints
from ._base import AbstractSampler


class Particles(NamedTuple):
    """Points of the steps, and others that no step uses."""

    points: Points
    held_out: Points


class DiffusionParticles(AbstractSampler):
    """Particles that follow the stochastic differential equation of a Fokker-Planck equation.

    Their density is u itself, whatever the network is. So the mean over them is that over u, in
    which the error of log u of a least-squares solution does not grow. A quarter as many more are
    kept for the residual on held-out points.

    **Arguments:**

    - `num_points`: n. Good values: four times the number of parameters.
    - `process`: the process; that of the problem if not given.

    **Raises:** `InputError` for a count below one; a solve, for a problem without a process.

    ```python
    sampler = nivp.DiffusionParticles(2_000)
    method = nivp.NeuralIVP(sampler=sampler, velocity_solver=nivp.RidgeCholesky())
    ```
    """

    num_points: int = eqx.field(static=True)
    process: DiffusionProcess | None = None
    covers_domain = False

    def __check_init__(self):
        check_count("num_points", self.num_points)

    def for_problem(self, problem: Any) -> "DiffusionParticles":
        process = getattr(problem, "process", None)
        if not isinstance(process, DiffusionProcess):
            raise InputError(
                f"`sampler` is DiffusionParticles, and {problem.name} has no stochastic process: "
                "give the equation as a `FokkerPlanck`, or take another sampler"
            )
        return DiffusionParticles(self.num_points, process)

    def init(self, domain: AbstractDomain, dtype: Any, key: PRNGKeyArray) -> Particles:
        assert self.process is not None
        points = self.process.initial.sample(
            self.num_points + _num_held_out(self.num_points), key
        ).astype(dtype)
        return Particles(points[: self.num_points], points[self.num_points :])

    def enlarged(
        self,
        state: Particles,
        num_points: int,
        times: tuple[float, float],
        steps: int,
        key: PRNGKeyArray,
    ) -> tuple["DiffusionParticles", Particles]:
        """A sampler of more particles, and its state: the further ones follow the process from the
        first time to the second one by so many equal steps."""
        assert self.process is not None
        start_key, walk_key = jax.random.split(key)
        larger, dtype = DiffusionParticles(num_points, self.process), state.points.dtype
        counts = num_points - len(state.points), _num_held_out(num_points) - len(state.held_out)
        start = self.process.initial.sample(sum(counts), start_key).astype(dtype)
        new = self.process.walk(start, *times, walk_key, steps)
        parts = zip(state, (new[: counts[0]], new[counts[0] :]), strict=True)
        return larger, Particles(*(jnp.concatenate(pair) for pair in parts))

    def draw(
        self, state: Particles, domain: AbstractDomain, field: Field, key: PRNGKeyArray
    ) -> tuple[WeightedPoints, Particles]:
        return WeightedPoints.equal(state.points), state

    def held_out(
        self, state: Particles, domain: AbstractDomain, field: Field, key: PRNGKeyArray
    ) -> WeightedPoints:
        return WeightedPoints.equal(state.held_out)

    def advance(self, state: Particles, t0: Scalar, t1: Scalar, key: PRNGKeyArray) -> Particles:
        assert self.process is not None
        points = over_devices(jnp.concatenate(state))
        moved = self.process.move(points, t0, t1, key)
        return Particles(moved[: self.num_points], moved[self.num_points :])


def _num_held_out(num_points: int) -> int:
    return max(num_points // 4, min(num_points, 64))
