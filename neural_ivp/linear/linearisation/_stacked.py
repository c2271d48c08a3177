"""J with further rows under it, such as those of conditions at the boundary."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ...types import Theta, Values, Weights
from ..numerics import Symmetric
from ._base import AbstractLinearisation


class DenseLinearisation(AbstractLinearisation):
    """J as an array, for few rows."""

    values: Values
    weights: Weights
    rows: Float[Array, "n q p"]

    @property
    def num_parameters(self) -> int:
        return self.rows.shape[-1]

    def push(self, v: Theta) -> Values:
        return self.rows @ v

    def pull(self, w: Values) -> Theta:
        return jnp.tensordot(w, self.rows, 2)

    def jacobian(self, indices: Int[Array, " s"] | None = None) -> Float[Array, "n q s"]:
        return self.rows if indices is None else self.rows[..., indices]

    def astype(self, dtype: Any) -> "DenseLinearisation":
        return jax.tree.map(lambda leaf: leaf.astype(dtype), self)

    def at(self, points: Int[Array, " k"]) -> "DenseLinearisation":
        return DenseLinearisation(self.values[points], self.weights[points], self.rows[points])

    def kernel_diagonal(self) -> Float[Array, " nq"]:
        return jnp.ravel(jnp.sum(self.rows**2, axis=-1))


class StackedLinearisation(AbstractLinearisation):
    """The rows of `upper` and under them those of `lower`, which are few and dense.

    The weights of `lower` add to those of `upper`, whose sum is 1.
    """

    upper: AbstractLinearisation
    lower: DenseLinearisation

    @property
    def values(self) -> Values:  # pyright: ignore[reportIncompatibleVariableOverride]
        return jnp.concatenate([self.upper.values, self.lower.values])

    @property
    def weights(self) -> Weights:  # pyright: ignore[reportIncompatibleVariableOverride]
        return jnp.concatenate([self.upper.weights, self.lower.weights])

    @property
    def num_parameters(self) -> int:
        return self.upper.num_parameters

    def push(self, v: Theta) -> Values:
        return jnp.concatenate([self.upper.push(v), self.lower.push(v)])

    def pull(self, w: Values) -> Theta:
        n = len(self.upper.weights)
        return self.upper.pull(w[:n]) + self.lower.pull(w[n:])

    def jacobian(self, indices: Int[Array, " s"] | None = None) -> Float[Array, "n q s"]:
        return jnp.concatenate([self.upper.jacobian(indices), self.lower.jacobian(indices)])

    def astype(self, dtype: Any) -> "StackedLinearisation":
        upper, lower = self.upper.astype(dtype), self.lower.astype(dtype)
        return StackedLinearisation(upper=upper, lower=lower)  # pyright: ignore[reportCallIssue]

    def at(self, points: Int[Array, " k"]) -> DenseLinearisation:
        n = len(self.upper.weights)
        above = self.upper.at(jnp.minimum(points, n - 1)).jacobian()
        below = self.lower.rows[jnp.maximum(points - n, 0)]
        rows = jnp.where((points < n)[:, None, None], above, below)
        return DenseLinearisation(self.values[points], self.weights[points], rows)

    def kernel_diagonal(self) -> Float[Array, " nq"]:
        return jnp.concatenate([self.upper.kernel_diagonal(), self.lower.kernel_diagonal()])

    def kernel_matrix(self) -> Symmetric:
        """By blocks, so that the structure of `upper` serves its own."""
        rows = self.lower.rows.reshape(-1, self.num_parameters)
        cross = jax.vmap(self.upper.push)(rows).reshape(len(rows), -1).T
        corner = jnp.triu(rows @ rows.T)
        above = jnp.concatenate([self.upper.kernel_matrix().upper, cross], axis=1)
        return Symmetric(jnp.concatenate([above, jnp.pad(corner, ((0, 0), (cross.shape[0], 0)))]))
