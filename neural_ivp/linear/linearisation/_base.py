"""J as a map: linearised once at given points, multiplied often.

J is the derivative in the p parameters of the network's values at n points, as the norm of the
problem sees them: shape (n, q, p), with q = c quantities for `L2`. It is never formed here
except by `jacobian`, for the solvers that need a matrix.
"""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ...types import Theta, Values, Weights
from ..numerics import Symmetric


class AbstractLinearisation(eqx.Module):
    """The network at one theta, linear in the parameters, at weighted points.

    - `values`: of u_theta at the points, as the norm sees them, like all values below.
    - `weights`: of the points, with sum 1.
    """

    values: eqx.AbstractVar[Values]
    weights: eqx.AbstractVar[Weights]

    @property
    @abc.abstractmethod
    def num_parameters(self) -> int:
        """Length of the velocities."""

    @abc.abstractmethod
    def push(self, v: Theta) -> Values:
        """J v: the change of the values with the parameters moving along v."""

    @abc.abstractmethod
    def pull(self, w: Values) -> Theta:
        """J^T w."""

    @abc.abstractmethod
    def jacobian(self, indices: Int[Array, " s"] | None = None) -> Float[Array, "n q s"]:
        """J as an array, or its columns of these indices."""

    @abc.abstractmethod
    def astype(self, dtype: Any) -> "AbstractLinearisation":
        """The same J multiplied in another precision."""

    @abc.abstractmethod
    def at(self, points: Int[Array, " k"]) -> "AbstractLinearisation":
        """The same J at the points of these indices only."""

    @abc.abstractmethod
    def kernel_diagonal(self) -> Float[Array, " nq"]:
        """The squared lengths of the rows of J."""

    def kernel_matrix(self) -> Symmetric:
        """K = J J^T, points and quantities in one row each; it forms J here."""
        rows = self.jacobian().reshape(-1, self.num_parameters)
        return Symmetric.of(lambda k, end: rows[k:end] @ rows[k:].T, len(rows))

    def kernel(self, columns: Int[Array, " b"]) -> Float[Array, "nq b"]:
        """The columns of K of these indices; they take a product each here."""
        units = jnp.zeros((columns.size, self.values.size), self.values.dtype)
        units = units.at[jnp.arange(columns.size), columns].set(1)

        def column(unit):
            return jnp.ravel(self.push(self.pull(unit.reshape(self.values.shape))))

        return jax.lax.map(column, units, batch_size=16).T

    def kernel_products(self, count: int) -> int:
        """Products that so many columns of the kernel take."""
        return count

    @property
    def zeros(self) -> Theta:
        """The velocity 0."""
        return jnp.zeros((self.num_parameters,), self.values.dtype)

    def restrict(self, indices: Int[Array, " s"]) -> "AbstractLinearisation":
        """The same map for velocities that move only the parameters of these indices."""
        return _Restricted(whole=self, indices=indices)  # pyright: ignore[reportCallIssue]

    def gram_product(self, v: Theta) -> Theta:
        """M v with M = J^T W J: one product forward, one transposed."""
        return self.force(self.push(v))

    def force(self, f: Values) -> Theta:
        """F = J^T W f."""
        return self.pull(self.weights[:, None] * f)

    def mean_square(self, f: Values) -> Float[Array, " q"]:
        """Weighted mean of f^2 over the points, of each quantity."""
        return self.weights @ f**2

    def weighted_rows(self, f: Values) -> tuple[Float[Array, "m p"], Float[Array, " m"]]:
        """sqrt(W) J as a matrix and sqrt(W) f as a vector, m = n c: the least squares, dense."""
        root = jnp.sqrt(self.weights)[:, None]
        rows = root[:, :, None] * self.jacobian()
        return rows.reshape(-1, self.num_parameters), jnp.ravel(root * f)


class _Restricted(AbstractLinearisation):
    """The columns of another J."""

    whole: AbstractLinearisation
    indices: Int[Array, " s"]

    @property
    def values(self) -> Values:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.whole.values

    @property
    def weights(self) -> Weights:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.whole.weights

    @property
    def num_parameters(self) -> int:
        return self.indices.size

    def push(self, v: Theta) -> Values:
        full = self.whole.zeros.at[self.indices].set(v, unique_indices=True)
        return self.whole.push(full)

    def pull(self, w: Values) -> Theta:
        return self.whole.pull(w)[self.indices]

    def jacobian(self, indices: Int[Array, " s"] | None = None) -> Float[Array, "n q s"]:
        return self.whole.jacobian(self.indices if indices is None else self.indices[indices])

    def kernel_diagonal(self) -> Float[Array, " nq"]:
        return jnp.ravel(jnp.sum(self.jacobian() ** 2, axis=-1))

    def astype(self, dtype: Any) -> "_Restricted":
        return _Restricted(whole=self.whole.astype(dtype), indices=self.indices)  # pyright: ignore[reportCallIssue]

    def at(self, points: Int[Array, " k"]) -> "_Restricted":
        return _Restricted(whole=self.whole.at(points), indices=self.indices)  # pyright: ignore[reportCallIssue]
