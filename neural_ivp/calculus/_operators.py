"""Derivatives in space of a field u: R^d -> R^c, by forward-mode differentiation.

A field takes one point `x` of shape (d,) and returns its value of shape (c,); so does what
these operators return (with further trailing axes for `grad` and `hessian`). Forward mode is
used throughout, because the same field is differentiated once more in the network parameters
only through its values, never through these derivatives.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array

from ..types import Field


def _along(u: Field, direction: Array) -> Field:
    """Directional derivative of `u` along a constant vector."""
    return lambda x: jax.jvp(u, (x,), (direction,))[1]


def partial(u: Field, *axes: int) -> Field:
    """Partial derivative of `u` along each of `axes` in turn: `partial(u, 0, 0)` is u_xx.

    **Returns:** a field with values of the shape of `u(x)`.
    """

    def derivative(x):
        field = u
        for axis in axes:
            field = _along(field, jnp.zeros_like(x).at[axis].set(1))
        return field(x)

    return derivative


def grad(u: Field) -> Callable[[Array], Array]:
    """Gradient: entry [k, i] of the value, of shape (c, d), is d u_k / d x_i."""
    return jax.jacfwd(u)


def hessian(u: Field) -> Callable[[Array], Array]:
    """Second derivatives: entry [k, i, j] of the value, of shape (c, d, d)."""
    return jax.jacfwd(jax.jacfwd(u))


def divergence(flux: Field) -> Field:
    """Divergence over the last axis of `flux`: sum_i d flux[..., i] / d x_i.

    For one component write the flux as `lambda x: velocity(x) * u(x)`, of shape (d,); the
    value then is a scalar and adds to a value of shape (1,).
    """
    return lambda x: jnp.trace(jax.jacfwd(flux)(x), axis1=-2, axis2=-1)


def laplacian(u: Field) -> Field:
    """Laplacian: sum_i d^2 u / d x_i^2, of the shape of `u(x)`.

    Forward over forward along each axis: the off-diagonal second derivatives are not formed.
    """

    def trace(x):
        def second(direction):
            return _along(_along(u, direction), direction)(x)

        return jnp.sum(jax.vmap(second)(jnp.eye(x.size, dtype=x.dtype)), axis=0)

    return trace
