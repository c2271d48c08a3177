"""Move only a fresh random subset of the parameters in each step."""

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

    The subset is drawn anew for each step and shared by its stages. It costs a fraction of the
    full solve and regularises: far smaller dampings stay stable, and the parameters that are
    not moved in one step are in the next.

    **Arguments:**

    - `inner`: the solver of the smaller problem.
    - `size`: s, parameters moved in a step (all of them if p is smaller). Good values: 300 to
      500, with two points or more for each.

    **Raises:** `InputError` for a size below one.

    Source: Berman & Peherstorfer, "Randomized sparse Neural Galerkin schemes", NeurIPS 2023.
    """

    inner: AbstractVelocitySolver
    size: int = eqx.field(static=True)

    def __init__(self, inner: AbstractVelocitySolver, size: int = 300):
        check_kind("inner", inner, AbstractVelocitySolver)
        check_count("size", size)
        self.inner, self.size = inner, size

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
        small = self.inner.solve(restricted, target, velocity[subset], inner)
        full = linearisation.zeros.at[subset].set(small.value)
        return eqx.tree_at(lambda v: v.value, small, full)

    def with_damping(self, damping: DampingLike) -> "RandomSubset":
        return RandomSubset(self.inner.with_damping(damping), self.size)
