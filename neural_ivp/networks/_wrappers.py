"""Networks around a network: zero boundary values, and combinations of components."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray, PyTree

from ..domains import AbstractDomain
from ..errors import InputError
from ..types import Point, Value
from ._base import AbstractNetwork


class HardDirichlet(AbstractNetwork):
    r"""Any network times $\prod_i (1 - \xi_i^2)$, which vanishes on the boundary of the box.

    **Arguments:**

    - `inner`: the network to wrap.
    - `domain`: a domain with a boundary; xi are its reference coordinates in [-1, 1]^d.

    **Raises:** `InputError` on a torus, which has no boundary.
    """

    inner: AbstractNetwork
    domain: AbstractDomain

    def __check_init__(self):
        if self.domain.periods is not None:
            raise InputError("`HardDirichlet` needs a domain with a boundary, got a torus")

    @property
    def trainable(self) -> PyTree:
        return self.inner.trainable

    @property
    def head(self) -> PyTree[Array]:
        return self.inner.head

    def reinitialised(self, key: PRNGKeyArray) -> "HardDirichlet":
        return HardDirichlet(self.inner.reinitialised(key), self.domain)

    def __call__(self, x: Point) -> Value:
        return jnp.prod(1 - self.domain.to_reference(x) ** 2) * self.inner(x)


class LinearCombination(AbstractNetwork):
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
    def trainable(self) -> PyTree:
        return self.inner.trainable

    @property
    def head(self) -> PyTree[Array]:
        return self.inner.head

    def reinitialised(self, key: PRNGKeyArray) -> "LinearCombination":
        return LinearCombination(self.inner.reinitialised(key), self.matrix)

    def __call__(self, x: Point) -> Value:
        value = self.inner(x)
        return jnp.asarray(self.matrix, value.dtype) @ value
