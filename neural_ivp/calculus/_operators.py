"""Derivatives in space of a field u: R^d -> R^c, a function of one point of shape (d,).

All use forward mode: the Jacobian in the parameters is that of the values of u, so no reverse
pass goes through these derivatives.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array

from ..errors import InputError
from ..types import Field


def _check_point(name: str, x: Array) -> None:
    if jnp.ndim(x) == 0:
        raise InputError(
            f"`{name}` of a field is a function of one point, of shape (d,), and got a number: are "
            "the arguments of the function that calls it in order, such as rhs(u, t, x)?"
        )
    if jnp.ndim(x) > 1:
        raise InputError(
            f"`{name}` of a field is a function of one point, of shape (d,), and got x of shape "
            f"{jnp.shape(x)}: call it by jax.vmap for points of shape (n, d)"
        )


def _along(u: Field, direction: Array) -> Field:
    """Directional derivative of `u` along a constant vector."""
    return lambda x: jax.jvp(u, (x,), (direction,))[1]


def partial(u: Field, *axes: int) -> Field:
    """Partial derivative of a field along each of several axes in turn.

    **Arguments:**

    - `u`: the field, (d,) to any shape.
    - `axes`: numbers of coordinates, 0 to d - 1; `partial(u, 0, 0)` is u_xx.

    **Returns:** a field with values of the shape of `u(x)`.

    **Raises:** `InputError`, where the field is evaluated, for an axis that x does not have.

    ```python
    nivp.partial(lambda x: x**3, 0, 0)(jnp.array([2.0]))  # [12.0]
    ```
    """

    def derivative(x):
        _check_point("partial", x)
        field = u
        for axis in axes:
            if axis not in range(len(x)):  # JAX would set nothing: a derivative of 0
                raise InputError(f"`partial` got axis {axis!r} for x with axes 0 to {len(x) - 1}")
            field = _along(field, jnp.zeros_like(x).at[axis].set(1))
        return field(x)

    return derivative


def grad(u: Field) -> Callable[[Array], Array]:
    """Gradient of a field: entry [k, i] is d u_k / d x_i.

    **Arguments:**

    - `u`: the field, (d,) to (c,).

    **Returns:** a function of one point, with values of shape (c, d).

    ```python
    nivp.grad(lambda x: jnp.array([x[0] * x[1]]))(jnp.array([2.0, 3.0]))  # [[3.0, 2.0]]
    ```
    """

    def gradient(x):
        _check_point("grad", x)
        return jax.jacfwd(u)(x)

    return gradient


def hessian(u: Field) -> Callable[[Array], Array]:
    """Second derivatives of a field: entry [k, i, j] is d^2 u_k / d x_i d x_j.

    **Arguments:**

    - `u`: the field, (d,) to (c,).

    **Returns:** a function of one point, with values of shape (c, d, d).

    ```python
    nivp.hessian(lambda x: jnp.array([x[0] ** 2]))(jnp.array([2.0]))  # [[[2.0]]]
    ```
    """

    def second(x):
        _check_point("hessian", x)
        return jax.jacfwd(jax.jacfwd(u))(x)

    return second


def divergence(flux: Field) -> Field:
    """Divergence of a flux over its last axis: sum_i d flux[..., i] / d x_i.

    **Arguments:**

    - `flux`: function of one point, with values of shape (..., d), such as (c, d), or (d,) for
      one component, as `lambda x: velocity(x) * u(x)`.

    **Returns:** a function of one point; its value has the shape of that of `flux` without the
    last axis, so a flux of shape (d,) gives a scalar.

    ```python
    nivp.divergence(lambda x: x**2)(jnp.array([1.0, 2.0]))  # 6.0
    ```
    """

    def trace(x):
        _check_point("divergence", x)
        return jnp.trace(jax.jacfwd(flux)(x), axis1=-2, axis2=-1)

    return trace


def laplacian(u: Field) -> Field:
    """Laplacian of a field, sum_i d^2 u / d x_i^2.

    **Arguments:**

    - `u`: the field, (d,) to any shape.

    **Returns:** a field with values of the shape of `u(x)`.

    ```python
    nivp.laplacian(lambda x: jnp.array([x @ x]))(jnp.array([1.0, 2.0]))  # [4.0]
    ```
    """

    def trace(x):
        _check_point("laplacian", x)

        # Along each axis alone: the Hessian's off-diagonal entries are not formed.
        def second(direction):
            return _along(_along(u, direction), direction)(x)

        return jnp.sum(jax.vmap(second)(jnp.eye(x.size, dtype=x.dtype)), axis=0)

    return trace


def second_along(u: Field, columns: Array, x: Array) -> Array:
    """The sum of the second derivatives of a field at a point along the columns of a matrix."""
    return jnp.sum(jax.vmap(lambda c: _along(_along(u, c), c)(x))(columns.T), axis=0)
