"""Velocities of a random subset of the parameters."""

import equinox as eqx
import jax
from jaxtyping import PRNGKeyArray

from ...errors import check_count, check_kind
from ...types import Theta, Values
from ..linearisation import AbstractLinearisation
from ..numerics import DampingLike
from ._base import AbstractVelocitySolver, SolverSetup, Velocity


class RandomSubset(AbstractVelocitySolver):
    """Solves for a random subset of the velocity's entries; the others are zero.

    The subset is drawn for each step and shared by its stages. It costs a fraction of the full
    solve, and it regularises, so that smaller dampings are stable.

    **Arguments:**

    - `inner`: the solver of the smaller problem.
    - `size`: entries in the subset (all of them if p is smaller). Good values: 300 to 500, with
      at least two points for each.

    **Raises:** `InputError` for a size below one or something that is no velocity solver.

    Source: Berman & Peherstorfer, "Randomized sparse Neural Galerkin schemes", NeurIPS 2023.

    ```python
    solver = nivp.RandomSubset(nivp.RidgeCholesky(), size=300)
    method = nivp.NeuralIVP(sampler=nivp.Uniform(1_000), velocity_solver=solver)
    ```
    """

    inner: AbstractVelocitySolver
    size: int = eqx.field(static=True, default=300)

    def __check_init__(self):
        check_kind("inner", self.inner, AbstractVelocitySolver)
        check_count("size", self.size)

    def setup(
        self, linearisation: AbstractLinearisation, velocity: Theta, key: PRNGKeyArray
    ) -> SolverSetup:
        subset_key, inner_key = jax.random.split(key)
        size = min(self.size, velocity.size)
        subset = jax.random.permutation(subset_key, velocity.size)[:size]
        inner = self.inner.setup(linearisation.restrict(subset), velocity[subset], inner_key)
        return SolverSetup((subset, inner), inner.products, inner.rebuilds)

    def solve(
        self,
        linearisation: AbstractLinearisation,
        target: Values,
        velocity: Theta,
        setup: SolverSetup,
    ) -> Velocity:
        subset, inner = setup.state
        restricted = linearisation.restrict(subset)
        solution = self.inner.solve(restricted, target, velocity[subset], inner)
        full = linearisation.zeros.at[subset].set(solution.value)
        return eqx.tree_at(lambda v: v.value, solution, full)

    def with_damping(self, damping: DampingLike) -> "RandomSubset":
        return RandomSubset(self.inner.with_damping(damping), self.size)
