"""Components as combinations of those of another network."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray, PyTree

from .._errors import InputError
from .._types import Point, Value
from ._base import AbstractNetwork


class Mixed(AbstractNetwork):
    """`matrix` times the components of another network.

    A component that starts at zero (the velocity of a wave at rest) is a dead end for a tower
    of its own: its fit has a zero head, and then no other weight of the tower moves it. As the
    difference of two towers, `matrix = ((1, 0), (-1, 1))`, it starts at zero with features
    that are fitted to the other component and a full Jacobian.

    **Arguments:**

    - `inner`: the network to wrap.
    - `matrix`: constant, c by c, invertible, so that every value can be fitted.

    **Raises:** `InputError` for a matrix that is not square or not invertible.
    """

    inner: AbstractNetwork
    matrix: tuple[tuple[float, ...], ...] = eqx.field(static=True)

    def __init__(self, inner: AbstractNetwork, matrix: Sequence[Sequence[float]]):
        array = np.asarray(matrix, dtype=float)
        if array.ndim != 2 or array.shape[0] != array.shape[1]:
            raise InputError(f"`matrix` must be square, got shape {array.shape}")
        if np.linalg.matrix_rank(array) < len(array):
            raise InputError(f"`matrix` must be invertible, got {array.tolist()}")
        self.inner = inner
        self.matrix = tuple(tuple(float(entry) for entry in row) for row in array)

    @property
    def head(self) -> PyTree[Array]:
        return self.inner.head

    def redrawn(self, key: PRNGKeyArray) -> "Mixed":
        return Mixed(self.inner.redrawn(key), self.matrix)

    def __call__(self, x: Point) -> Value:
        value = self.inner(x)
        return jnp.asarray(self.matrix, value.dtype) @ value
