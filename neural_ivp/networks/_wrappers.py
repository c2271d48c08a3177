"""Networks that wrap a network: zero boundary values, linear combinations of components."""

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
    r"""A network times $\prod_i (1 - \xi_i^2)$, which vanishes on the boundary of the box.

    **Arguments:**

    - `inner`: the network to wrap.
    - `domain`: a `Box`; $\xi$ are its reference coordinates in [-1, 1]^d.

    **Returns:** called with a point of shape (d,), u of shape (c,).

    **Raises:** `InputError` on a torus, which has no boundary.

    ```python
    box = nivp.Box((0.0,), (1.0,))
    nivp.HardDirichlet(nivp.SinusoidalMLP(box, 1, key=jax.random.key(0)), box)(jnp.ones(1))  # [0.0]
    ```
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
    """A constant matrix times the value of another network.

    A tower that is fitted to a component that is initially zero (the velocity of a wave at rest)
    has a zero head, at which the derivatives in its other weights vanish. As the difference of
    two towers, with `matrix = ((1, 0), (-1, 1))`, that component keeps a full Jacobian.

    **Arguments:**

    - `inner`: the network to wrap.
    - `matrix`: shape (c, c), invertible.

    **Returns:** called with a point of shape (d,), u of shape (c,).

    **Raises:** `InputError` for a matrix that is not square or not invertible.

    ```python
    towers = nivp.SinusoidalMLP(nivp.Torus((1.0,)), 2, key=jax.random.key(0))
    network = nivp.LinearCombination(towers, ((1, 0), (-1, 1)))
    ```
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
