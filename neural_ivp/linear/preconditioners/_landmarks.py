"""A preconditioner that follows the network: J interpolated from a few of its rows."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve, solve_triangular
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...errors import check_count
from ...types import Theta
from ..linearisation import AbstractLinearisation
from ..numerics import power_iteration
from ._base import (
    AbstractBuiltPreconditioner,
    AbstractFactors,
    AbstractPreconditioner,
    DampingOf,
)
from ._interpolation import LandmarkRows, interpolate


class LandmarkPreconditioner(AbstractFactors):
    r"""M as $B^T B$ with $B = R J_L$, and B at the present theta.

    - `core`: $B B^T$, which has the eigenvalues of M.
    """

    rows: LandmarkRows
    root: Float[Array, "r r"]
    core: Float[Array, "r r"]
    largest: Float[Array, ""]
    products: Int[Array, ""]

    def inverse(self, damping: Float[Array, ""]) -> Callable[[Theta], Theta]:
        """By Woodbury's identity, times mu."""
        inner = self._inner(damping)

        def apply(v: Theta) -> Theta:
            inside = cho_solve((inner, True), self.root @ self.rows.push(v))
            return v - self.rows.pull(self.root.T @ inside)

        return apply

    def effective_rank(self, damping: Float[Array, ""]) -> Float[Array, ""]:
        one = jnp.eye(len(self.core), dtype=self.core.dtype)
        outside = solve_triangular(self._inner(damping), one, lower=True)
        return len(self.core) - self._shift(damping) * jnp.sum(outside**2)

    def _inner(self, damping: Float[Array, ""]) -> Float[Array, "r r"]:
        one = jnp.eye(len(self.core), dtype=self.core.dtype)
        return jnp.linalg.cholesky(self.core + self._shift(damping) * one)

    def _shift(self, damping: Float[Array, ""]) -> Float[Array, ""]:
        """mu, or what keeps the core positive definite in this arithmetic."""
        return jnp.maximum(damping, 4 * jnp.finfo(self.core.dtype).eps * jnp.trace(self.core))


class LandmarkSelection(AbstractBuiltPreconditioner):
    r"""Landmarks, and R with $M \approx (R J_L)^T R J_L$ at any theta near by: see `updated`."""

    entries: Int[Array, " r"]
    root: Float[Array, "r r"]
    products: Int[Array, ""]

    def updated(self, linearisation: AbstractLinearisation) -> LandmarkPreconditioner:
        rows = LandmarkRows.of(self.entries, linearisation)
        core = self.root @ rows.kernel() @ self.root.T
        spent = rows.kernel_products(len(linearisation.weights))
        return LandmarkPreconditioner(
            rows=rows,
            root=self.root,
            core=core,
            largest=power_iteration(lambda v: core @ v, jnp.ones_like(core[0]), 100),
            products=self.products + spent,
        )


class Landmarks(AbstractPreconditioner):
    r"""J interpolated from its rows at some of the points.

    Randomly pivoted Cholesky of $J J^T$ chooses the rows, and weights W with
    $J \approx W J_L$. With `rebuild="step"` that is done once for all stages of a step: the
    weights are kept and the rows $J_L$ are those of the moment. What the network can do at one
    point is bound to what it can do at its neighbours, and that changes far less than J does: the
    preconditioner outlives changes of M by many times mu, which a sketch of M does not.

    For networks of dense layers this takes no product with M, but n q rank^2 operations for the
    choice, rank^3 for each solve, and two products at rank points for each iteration. For other
    networks, for norms with derivatives (`WaveEnergy`), in `RandomSubset` and with `chunk_size`,
    the choice takes a product for each landmark, and each solve as many at rank points: there
    `Nystrom` is the better one. Memory n q rank for the choice.

    **Arguments:**

    - `rank`: landmarks, at most n q and rounded down to whole blocks. Good values: two or three
      times the effective rank that the solve reports, which cannot exceed this one.
    - `block`: landmarks drawn at once.

    **Raises:** `InputError` for a rank or block below one.

    Source: the choice: Chen, Epperly, Tropp & Webber, "Randomly pivoted Cholesky", 2023; the
    interpolation: Cheng, Gimbutas, Martinsson & Rokhlin, "On the compression of low rank
    matrices", 2005. Keeping its weights while the rows follow theta is our own.
    """

    rank: int = eqx.field(static=True, default=400)
    block: int = eqx.field(static=True, default=100)

    def __check_init__(self):
        check_count("rank", self.rank)
        check_count("block", self.block)

    def build(
        self, linearisation: AbstractLinearisation, damping_of: DampingOf, key: PRNGKeyArray
    ) -> LandmarkSelection:
        found = interpolate(linearisation, self.rank, self.block, damping_of, key)
        rank, gram = found.entries.size, found.gram
        one = jnp.eye(rank, dtype=gram.dtype)
        rounding = rank * jnp.finfo(gram.dtype).eps * jnp.trace(gram)
        rounding = jnp.where(rounding == 0, 1, rounding)  # J = 0
        root = jnp.linalg.cholesky((gram + gram.T) / 2 + rounding * one).T
        return LandmarkSelection(
            entries=found.entries,
            root=root * found.scale[None, :],
            products=jnp.asarray(linearisation.kernel_products(rank), jnp.int32),
        )
