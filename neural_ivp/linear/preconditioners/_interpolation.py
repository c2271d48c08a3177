"""J interpolated from its rows at landmarks: sqrt(w) J is about W times some of its rows."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ..linearisation import AbstractLinearisation
from ..numerics import pivoted_cholesky, power_iteration


class Interpolation(eqx.Module):
    r"""Landmarks, and weights $W = F T$ with $A \approx W A_L$ for $A = \sqrt w J$.

    - `entries`: indices of the landmarks among all points and quantities.
    - `scale`: square roots of the weights of their points.
    - `factor`, `mix`: F and T.
    """

    entries: Int[Array, " r"]
    scale: Float[Array, " r"]
    factor: Float[Array, "m r"]
    mix: Float[Array, "r r"]

    @property
    def gram(self) -> Float[Array, "r r"]:
        """$W^T W$."""
        return self.mix.T @ (self.factor.T @ self.factor) @ self.mix


def kernel_factor(
    linearisation: AbstractLinearisation, rank: int, block: int, key: PRNGKeyArray
) -> tuple[Float[Array, "m r"], Int[Array, " r"], Float[Array, " m"], Float[Array, " m"]]:
    r"""Randomly pivoted Cholesky $F F^T$ of the kernel $K = A A^T$ with $A = \sqrt w J$.

    `rank` is at most n q, and rounded down to whole blocks.

    **Returns:** F, the indices of the columns drawn, $\sqrt w$ and the diagonal of K.
    """
    linearisation = jax.lax.stop_gradient(linearisation)
    scale = jnp.repeat(jnp.sqrt(linearisation.weights), linearisation.values.shape[1])
    rank = min(rank, scale.size)
    block = min(block, rank)

    def columns(pivots):
        return scale[:, None] * linearisation.kernel(pivots) * scale[pivots][None, :]

    diagonal = scale**2 * linearisation.kernel_diagonal()
    factor, pivots = pivoted_cholesky(columns, diagonal, rank // block * block, block, key)
    return factor, pivots, scale, diagonal


def interpolate(
    linearisation: AbstractLinearisation,
    rank: int,
    block: int,
    damping_of: Callable[[Float[Array, ""]], Float[Array, ""]],
    key: PRNGKeyArray,
) -> Interpolation:
    """Choose landmarks by `kernel_factor`, and weights W = F F_L^T (F_L F_L^T + shift)^{-1}.

    `damping_of` returns mu for the largest eigenvalue.
    """
    factor, pivots, scale, diagonal = kernel_factor(linearisation, rank, block, key)
    largest = power_iteration(lambda v: factor.T @ (factor @ v), jnp.ones_like(factor[0]))
    noise = 10 * jnp.finfo(factor.dtype).eps * jnp.sum(diagonal)
    # A hundredth of the damping suppresses rounding, and columns that added nothing.
    shift = jnp.maximum(damping_of(largest) / 100, noise)
    shift = jnp.where(shift == 0, jnp.ones_like(shift), shift)  # J = 0
    drawn = factor[pivots]
    identity = jnp.eye(pivots.size, dtype=factor.dtype)
    inner = jnp.linalg.cholesky(drawn @ drawn.T + shift * identity)
    return Interpolation(pivots, scale[pivots], factor, cho_solve((inner, True), drawn).T)


class LandmarkRows(eqx.Module):
    """J_L: one row for each landmark, of the q rows of J at its point.

    - `rows`: J at the points of the landmarks.
    - `positions`: indices of the landmarks among the points and quantities of `rows`.
    """

    rows: AbstractLinearisation
    positions: Int[Array, " r"]

    @classmethod
    def of(cls, entries: Int[Array, " r"], linearisation: AbstractLinearisation) -> "LandmarkRows":
        quantities = linearisation.values.shape[1]
        rows = jax.lax.stop_gradient(linearisation.at(entries // quantities))
        return cls(rows, jnp.arange(entries.size) * quantities + entries % quantities)

    def push(self, v):
        return jnp.ravel(self.rows.push(v))[self.positions]

    def pull(self, z):
        empty = jnp.zeros(self.rows.values.size, z.dtype)
        values = empty.at[self.positions].set(z, unique_indices=True)
        return self.rows.pull(values.reshape(self.rows.values.shape))

    def kernel(self) -> Float[Array, "r r"]:
        """$J_L J_L^T$."""
        kernel = self.rows.kernel(self.positions)[self.positions]
        return (kernel + kernel.T) / 2

    def kernel_columns_cost(self, num_points: int) -> int:
        """Cost of `kernel` in products with M at `num_points` points."""
        return -(
            -self.rows.kernel_columns_cost(self.positions.size) * self.positions.size // num_points
        )
