"""Move only a fresh random subset of the parameters in each step."""

import equinox as eqx
import jax
from jaxtyping import PRNGKeyArray

from .._errors import check_count, check_kind
from .._types import Theta, Values
from ._base import AbstractVelocitySolver, Prepared
from ._damping import Damping
from ._linearisation import AbstractLinearisation
from ._velocity import Velocity


class RandomSubset(AbstractVelocitySolver):
    """Solves for a random subset of the velocity's entries; the others are zero.

    The subset is drawn anew for each step and shared by its stages. It costs a fraction of the
    full solve and regularises: far smaller dampings stay stable, and the parameters that are
    not moved in one step are in the next. What `inner` learned of one subset is not kept for
    the next.

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

    def prepare(
        self,
        linearisation: AbstractLinearisation,
        target: Values,
        guess: Theta,
        memory: None,
        key: PRNGKeyArray,
    ) -> Prepared:
        subset_key, inner_key = jax.random.split(key)
        chosen = jax.random.permutation(subset_key, guess.size)[: min(self.size, guess.size)]
        small = linearisation.restrict(chosen)
        fresh = self.inner.init(small)
        inner = self.inner.prepare(small, target, guess[chosen], fresh, inner_key)
        return Prepared((chosen, inner), inner.products, inner.rebuilds)

    def solve(
        self, linearisation: AbstractLinearisation, target: Values, guess: Theta, prepared: Prepared
    ) -> Velocity:
        chosen, inner = prepared.content
        small = self.inner.solve(linearisation.restrict(chosen), target, guess[chosen], inner)
        full = linearisation.zeros.at[chosen].set(small.value)
        return eqx.tree_at(lambda v: v.value, small, full)

    def damped(self, damping: Damping) -> "RandomSubset":
        return RandomSubset(self.inner.damped(damping), self.size)
