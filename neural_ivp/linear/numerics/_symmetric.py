"""Symmetric matrices of which half is computed, and their Cholesky factorisation."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jax.scipy.linalg import cho_solve
from jaxtyping import Array, Float

# Rows computed at a time.
BLOCK = 512


class Symmetric(eqx.Module):
    """A symmetric matrix by its entries on and above the diagonal; below it `upper` has zeros."""

    # LAPACK reads the lower half column by column, which is this half row by row. XLA would copy
    # the other half into that order.
    upper: Float[Array, "m m"]

    @classmethod
    def of(
        cls, panel: Callable[[int, int], Float[Array, "_b _m"]], size: int, block: int = BLOCK
    ) -> "Symmetric":
        """`panel(start, end)` returns rows `start` to `end` of the columns from `start` on."""
        if size <= block:
            return cls(jnp.triu(panel(0, size)))
        first = jnp.triu(panel(0, block))
        upper = jnp.zeros((size, size), first.dtype).at[:block].set(first)
        for start in range(block, size, block):
            part = jnp.triu(panel(start, min(start + block, size)))
            upper = jax.lax.dynamic_update_slice(upper, part, (start, start))
        return cls(upper)

    def __matmul__(self, v: Float[Array, " m"]) -> Float[Array, " m"]:
        return self.upper @ v + v @ self.upper - jnp.diagonal(self.upper) * v

    def scaled(self, scale: Float[Array, " m"]) -> "Symmetric":
        """D A D with the diagonal matrix D of `scale`."""
        return Symmetric(scale[:, None] * self.upper * scale[None, :])

    def add_scaled_identity(self, shift: Float[Array, ""]) -> "Symmetric":
        """A + shift I."""
        return Symmetric(self.upper + shift * jnp.eye(len(self.upper), dtype=self.upper.dtype))

    def factor(self) -> Float[Array, "m m"]:
        """Return the lower Cholesky factor, a constant to gradients; nan where A is not positive
        definite."""
        # `jnp.linalg.cholesky` would first read the zeros as entries of A.
        return jax.lax.linalg.cholesky(jax.lax.stop_gradient(self.upper).T, symmetrize_input=False)


class Cholesky(lx.AbstractLinearSolver):
    """`lineax.Cholesky` for a `Symmetric` matrix, whose `factor()` is the `state`."""

    def init(self, operator: lx.AbstractLinearOperator, options: dict[str, Any]):
        del options
        return Symmetric(jnp.triu(operator.as_matrix())).factor()

    def compute(self, state: Float[Array, "m m"], vector, options: dict[str, Any]):
        del options
        return cho_solve((state, True), vector), lx.RESULTS.successful, {}

    def transpose(self, state: Float[Array, "m m"], options: dict[str, Any]):
        return state, options

    def conj(self, state: Float[Array, "m m"], options: dict[str, Any]):
        return state, options

    def assume_full_rank(self) -> bool:
        return True
