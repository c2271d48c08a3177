"""Networks that wrap a network: a constant start, linear combinations of components."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, PRNGKeyArray, PyTree

from ..errors import InputError, check_shape
from ..types import Point, Theta, Value
from ._base import AbstractNetwork, flatten


class ConstantStart(AbstractNetwork):
    r"""$N_\theta(x) - N_{\theta_0}(x) + k$: a network that starts as the constant k.

    A network fitted to a constant has a zero head, at which the derivatives in all other weights
    vanish. Here they are those of $N_{\theta_0}$, and k is exact.

    **Arguments:**

    - `inner`: the network N, whose parameters are $\theta$.
    - `constant`: k, a number for each component.
    - `start`: $\theta_0$, shape (p,); the parameters of `inner` if not given.

    **Returns:** called with a point of shape (d,), u of shape (c,).

    **Raises:** `InputError` for a start of another size.

    ```python
    inner = nivp.SinusoidalMLP(nivp.Torus((1.0,)), 1, key=jax.random.key(0))
    nivp.ConstantStart(inner, (2.0,))(jnp.zeros(1))  # [2.0]
    ```
    """

    inner: AbstractNetwork
    frozen: AbstractNetwork
    constant: tuple[float, ...] = eqx.field(static=True)

    def __init__(
        self, inner: AbstractNetwork, constant: Sequence[float], start: ArrayLike | None = None
    ):
        theta, rebuild = flatten(inner)
        frozen = theta if start is None else jnp.asarray(start, theta.dtype)
        check_shape("`start`", frozen.shape, theta.shape, "take the first of `flatten(inner)`")
        self.inner, self.frozen = inner, rebuild(frozen)
        self.constant = tuple(float(entry) for entry in constant)

    @property
    def start(self) -> Theta:
        return flatten(self.frozen)[0]

    @property
    def trainable(self) -> PyTree:
        return self.inner.trainable

    @property
    def head(self) -> PyTree:
        return self.inner.head

    @property
    def even_at(self) -> tuple[str, ...]:
        return self.inner.even_at

    @property
    def zero_at(self) -> tuple[str, ...]:
        return () if any(self.constant) else self.inner.zero_at

    def reinitialised(self, key: PRNGKeyArray) -> "ConstantStart":
        return ConstantStart(self.inner.reinitialised(key), self.constant)

    def __call__(self, x: Point) -> Value:
        value = self.inner(x) - self.frozen(x)
        return value + jnp.asarray(self.constant, value.dtype)


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
    def head(self) -> PyTree:
        return self.inner.head

    @property
    def even_at(self) -> tuple[str, ...]:
        return self.inner.even_at

    @property
    def zero_at(self) -> tuple[str, ...]:
        return self.inner.zero_at

    def reinitialised(self, key: PRNGKeyArray) -> "LinearCombination":
        return LinearCombination(self.inner.reinitialised(key), self.matrix)

    def __call__(self, x: Point) -> Value:
        value = self.inner(x)
        return jnp.asarray(self.matrix, value.dtype) @ value
