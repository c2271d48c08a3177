"""The contract of linearisations: J as a linear map, linearised once and multiplied often.

J is the derivative in the p parameters of the network's values at n points, mapped to the q
quantities of the problem's norm (q = c for `L2`): shape (n, q, p). Only `jacobian` forms it.
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
    """The network linearised at one theta and n weighted points.

    - `values`: the quantities of u_theta at the points, of shape (n, q), like all values below.
    - `weights`: those of the points, with sum 1.
    """

    values: eqx.AbstractVar[Values]
    weights: eqx.AbstractVar[Weights]

    @property
    @abc.abstractmethod
    def num_parameters(self) -> int:
        """p, the length of a velocity."""

    @abc.abstractmethod
    def push(self, v: Theta) -> Values:
        """J v."""

    @abc.abstractmethod
    def pull(self, w: Values) -> Theta:
        """J^T w."""

    @abc.abstractmethod
    def jacobian(self, indices: Int[Array, " s"] | None = None) -> Float[Array, "n q s"]:
        """J as an array, or the columns of these indices."""

    @abc.abstractmethod
    def astype(self, dtype: Any) -> "AbstractLinearisation":
        """J in another precision."""

    @abc.abstractmethod
    def at(self, points: Int[Array, " k"]) -> "AbstractLinearisation":
        """J at the points of these indices."""

    @abc.abstractmethod
    def kernel_diagonal(self) -> Float[Array, " nq"]:
        """The diagonal of K = J J^T."""

    def kernel_matrix(self) -> Symmetric:
        """K = J J^T, with a row for each point and quantity; forms J unless overridden."""
        rows = self.jacobian().reshape(-1, self.num_parameters)
        return Symmetric.of(lambda k, end: rows[k:end] @ rows[k:].T, len(rows))

    def kernel(self, columns: Int[Array, " b"]) -> Float[Array, "nq b"]:
        """The columns of K of these indices, by one product each unless overridden."""
        units = jnp.zeros((columns.size, self.values.size), self.values.dtype)
        units = units.at[jnp.arange(columns.size), columns].set(1)

        def column(unit):
            return jnp.ravel(self.push(self.pull(unit.reshape(self.values.shape))))

        return jax.lax.map(column, units, batch_size=16).T

    def cross_kernel(
        self, other: "AbstractLinearisation", entries: Int[Array, " b"]
    ) -> Float[Array, "nq b"]:
        """J J'^T for the rows of these indices of another J', by one product each unless
        overridden."""
        rows = other.jacobian().reshape(-1, self.num_parameters)[entries]
        return jax.lax.map(lambda row: jnp.ravel(self.push(row)), rows, batch_size=32).T

    def kernel_columns_cost(self, count: int) -> int:
        """Number of products that `count` columns of the kernel take."""
        return count

    @property
    def zeros(self) -> Theta:
        """The zero velocity."""
        return jnp.zeros((self.num_parameters,), self.values.dtype)

    def restrict(self, indices: Int[Array, " s"]) -> "AbstractLinearisation":
        """J restricted to the parameters of these indices."""
        return _Restricted(whole=self, indices=indices)  # pyright: ignore[reportCallIssue]

    def gram_product(self, v: Theta) -> Theta:
        """M v with M = J^T W J."""
        return self.force(self.push(v))

    def force(self, f: Values) -> Theta:
        """F = J^T W f."""
        return self.pull(self.weights[:, None] * f)

    def mean_square(self, f: Values) -> Float[Array, " q"]:
        """Weighted mean of f^2 over the points, for each quantity."""
        return self.weights @ f**2

    def weighted_rows(self, f: Values) -> tuple[Float[Array, "m p"], Float[Array, " m"]]:
        """sqrt(W) J as a matrix and sqrt(W) f as a vector, m = n q."""
        root = jnp.sqrt(self.weights)[:, None]
        rows = root[:, :, None] * self.jacobian()
        return rows.reshape(-1, self.num_parameters), jnp.ravel(root * f)


class _Restricted(AbstractLinearisation):
    """Columns of another J."""

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
        return self.whole.push(self.whole.zeros.at[self.indices].set(v, unique_indices=True))

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
