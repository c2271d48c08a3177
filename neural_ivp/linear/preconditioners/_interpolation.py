"""J interpolated from its rows at landmarks: sqrt(w) J is about W times a few of its rows."""

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

    - `entries`: of the landmarks among all points and quantities.
    - `scale`: the square roots of their points' weights.
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


def interpolate(
    linearisation: AbstractLinearisation,
    rank: int,
    block: int,
    damping_of: Callable[[Float[Array, ""]], Float[Array, ""]],
    key: PRNGKeyArray,
) -> Interpolation:
    """Landmarks by randomly pivoted Cholesky of the kernel $A A^T$, which is about $F F^T$.

    W = F F_L^T (F_L F_L^T + shift)^{-1} smooths, at a hundredth of the damping, what rounding and
    columns that had nothing to add would bring in.

    **Arguments:**

    - `rank`: landmarks, at most n q and rounded down to whole blocks; `block`: drawn at once.
    - `damping_of`: mu for the largest eigenvalue.
    """
    linearisation = jax.lax.stop_gradient(linearisation)
    scale = jnp.repeat(jnp.sqrt(linearisation.weights), linearisation.values.shape[1])
    most = min(rank, scale.size)
    block = min(block, most)
    rank = most // block * block

    def columns(pivots):
        return scale[:, None] * linearisation.kernel(pivots) * scale[pivots][None, :]

    diagonal = scale**2 * linearisation.kernel_diagonal()
    factor, pivots = pivoted_cholesky(columns, diagonal, rank, block, key)
    largest = power_iteration(lambda v: factor.T @ (factor @ v), jnp.ones_like(factor[0]))
    noise = 10 * jnp.finfo(factor.dtype).eps * jnp.sum(diagonal)
    # Without anything to see (J = 0), any positive shift will do.
    shift = jnp.maximum(damping_of(largest) / 100, noise)
    shift = jnp.where(shift == 0, jnp.ones_like(shift), shift)
    chosen = factor[pivots]
    inner = jnp.linalg.cholesky(chosen @ chosen.T + shift * jnp.eye(rank, dtype=factor.dtype))
    return Interpolation(pivots, scale[pivots], factor, cho_solve((inner, True), chosen).T)


class LandmarkRows(eqx.Module):
    """J at the points of landmarks: an entry for each, though a point has q quantities."""

    rows: AbstractLinearisation
    places: Int[Array, " r"]

    @classmethod
    def of(cls, entries: Int[Array, " r"], linearisation: AbstractLinearisation) -> "LandmarkRows":
        quantities = linearisation.values.shape[1]
        rows = jax.lax.stop_gradient(linearisation.at(entries // quantities))
        return cls(rows, jnp.arange(entries.size) * quantities + entries % quantities)

    def push(self, v):
        return jnp.ravel(self.rows.push(v))[self.places]

    def pull(self, z):
        empty = jnp.zeros(self.rows.values.size, z.dtype)
        values = empty.at[self.places].set(z, unique_indices=True)
        return self.rows.pull(values.reshape(self.rows.values.shape))

    def kernel(self) -> Float[Array, "r r"]:
        """$J_L J_L^T$."""
        kernel = self.rows.kernel(self.places)[self.places]
        return (kernel + kernel.T) / 2

    def kernel_products(self, num_points: int) -> int:
        """Products with M at so many points that the kernel took."""
        return -(-self.rows.kernel_products(self.places.size) * self.places.size // num_points)
