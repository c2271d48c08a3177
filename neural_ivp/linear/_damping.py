"""How large mu is: relative to the largest eigenvalue of M, absolute, or by the arithmetic."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Float

from .._errors import check_scalar


class AbsoluteDamping(eqx.Module):
    """mu itself, in the units of M, for the argument `damping` of a velocity solver.

    **Raises:** `InputError` for a value that is not positive.
    """

    value: Float[Array, ""]

    def __init__(self, value: ArrayLike):
        check_scalar("value", value)
        self.value = jnp.asarray(value, float)


# Relative to the largest eigenvalue if a number; None leaves it to the arithmetic.
Damping = float | Float[Array, ""] | AbsoluteDamping | None


def check_damping(damping: Damping) -> None:
    """**Raises:** `InputError` for a damping that is not positive."""
    if damping is not None and not isinstance(damping, AbsoluteDamping):
        check_scalar("damping", damping)


def absolute(damping: Damping, largest: Float[Array, ""], dtype: Any = None) -> Float[Array, ""]:
    """mu for a largest eigenvalue of M and the dtype of its products (that of `largest` if not
    given).

    It is a choice, not a function to differentiate: gradients take mu as a constant. J = 0 has
    no scale; any mu gives the velocity 0, and 1 is taken.
    """
    if isinstance(damping, AbsoluteDamping):
        return jnp.asarray(damping.value, largest.dtype)
    if damping is None:
        damping = 1e-10 if (dtype or largest.dtype) == jnp.float64 else 1e-6
    mu = jnp.where(largest == 0, jnp.ones_like(largest), damping * largest)
    return lax.stop_gradient(mu.astype(largest.dtype))
