"""A preconditioner that is updated with the network: J interpolated from some of its rows."""

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
    AbstractGramApproximation,
    AbstractPreconditioner,
    DampingOf,
)
from ._interpolation import LandmarkRows, interpolate


class LandmarkPreconditioner(AbstractGramApproximation):
    r"""M approximated by $B^T B$ with $B = R J_L$ at the present theta.

    - `rows`, `root`: $J_L$ and R.
    - `core`: $B B^T$, which has the eigenvalues of $B^T B$.
    """

    rows: LandmarkRows
    root: Float[Array, "r r"]
    core: Float[Array, "r r"]
    largest: Float[Array, ""]
    products: Int[Array, ""]

    def inverse(self, damping: Float[Array, ""]) -> Callable[[Theta], Theta]:
        """P = (B^T B + mu I) / mu, by Woodbury's identity."""
        inner = self._inner(damping)

        def apply(v: Theta) -> Theta:
            inside = cho_solve((inner, True), self.root @ self.rows.push(v))
            return v - self.rows.pull(self.root.T @ inside)

        return apply

    def effective_rank(self, damping: Float[Array, ""]) -> Float[Array, ""]:
        identity = jnp.eye(len(self.core), dtype=self.core.dtype)
        outside = solve_triangular(self._inner(damping), identity, lower=True)
        return len(self.core) - self._shift(damping) * jnp.sum(outside**2)

    def _inner(self, damping: Float[Array, ""]) -> Float[Array, "r r"]:
        identity = jnp.eye(len(self.core), dtype=self.core.dtype)
        return jnp.linalg.cholesky(self.core + self._shift(damping) * identity)

    def _shift(self, damping: Float[Array, ""]) -> Float[Array, ""]:
        """mu, or the larger shift that keeps the core positive definite in this arithmetic."""
        return jnp.maximum(damping, 4 * jnp.finfo(self.core.dtype).eps * jnp.trace(self.core))


class LandmarkSelection(AbstractBuiltPreconditioner):
    r"""Landmarks, and R with $M \approx (R J_L)^T R J_L$ at any theta near by."""

    entries: Int[Array, " r"]
    root: Float[Array, "r r"]
    products: Int[Array, ""]

    def updated(self, linearisation: AbstractLinearisation) -> LandmarkPreconditioner:
        rows = LandmarkRows.of(self.entries, linearisation)
        core = self.root @ rows.kernel() @ self.root.T
        return LandmarkPreconditioner(
            rows=rows,
            root=self.root,
            core=core,
            largest=power_iteration(lambda v: core @ v, jnp.ones_like(core[0]), 100),
            products=self.products + rows.kernel_columns_cost(len(linearisation.weights)),
        )


class Landmarks(AbstractPreconditioner):
    r"""J interpolated from some of its rows, a preconditioner of `RidgeCG`.

    Randomly pivoted Cholesky of $J J^T$ chooses the rows $J_L$ and weights W with
    $J \approx W J_L$. `RidgeCG(rebuild="step")` chooses once a step and evaluates $J_L$ at each
    stage: W changes far less than J, so that it serves the whole step where a sketch of M does not.

    For networks of dense layers the choice takes no product with M, but n q rank^2 operations; a
    solve takes rank^3, and an iteration two products at rank points. For other networks, for norms
    with derivatives (`WaveEnergy`), in `RandomSubset` and with `chunk_size`, each landmark takes a
    product, and `Nystrom` is the better choice. Memory: n q rank.

    **Arguments:**

    - `rank`: landmarks, at most n q and rounded down to whole blocks. Good values: two or three
      times the effective rank that the solve reports, which cannot exceed this one.
    - `block`: landmarks drawn at once.

    **Raises:** `InputError` for a rank or block below one.

    Source: Chen, Epperly, Tropp & Webber, "Randomly pivoted Cholesky", 2023, for the choice; Cheng,
    Gimbutas, Martinsson & Rokhlin, "On the compression of low rank matrices", 2005, for the
    interpolation; its reuse at another theta is our own.

    ```python
    solver = nivp.RidgeCG(preconditioner=nivp.Landmarks(400), rebuild="step")
    method = nivp.NeuralIVP(sampler=nivp.Uniform(1_000), velocity_solver=solver)
    ```
    """

    rank: int = eqx.field(static=True, default=400)
    block: int = eqx.field(static=True, default=100)

    def __check_init__(self):
        check_count("rank", self.rank)
        check_count("block", self.block)

    def build(
        self, linearisation: AbstractLinearisation, damping_of: DampingOf, key: PRNGKeyArray
    ) -> LandmarkSelection:
        interpolation = interpolate(linearisation, self.rank, self.block, damping_of, key)
        rank, gram = interpolation.entries.size, interpolation.gram
        identity = jnp.eye(rank, dtype=gram.dtype)
        rounding = rank * jnp.finfo(gram.dtype).eps * jnp.trace(gram)
        rounding = jnp.where(rounding == 0, 1, rounding)  # J = 0
        root = jnp.linalg.cholesky((gram + gram.T) / 2 + rounding * identity).T
        return LandmarkSelection(
            entries=interpolation.entries,
            root=root * interpolation.scale[None, :],
            products=jnp.asarray(linearisation.kernel_columns_cost(rank), jnp.int32),
        )
