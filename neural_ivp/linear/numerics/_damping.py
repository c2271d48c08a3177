"""The damping mu of a least-squares problem, relative or absolute."""

from typing import Any, TypeAlias

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Float

from ...errors import InputError, check_scalar


class Damping(eqx.Module):
    r"""mu in $\min_v \overline{|J v - f|^2} + \mu |v|^2$.

    A plain number given as `damping` to a velocity solver is relative; `Damping(mu,
    relative=False)` says mu itself.

    **Arguments:**

    - `value`: a positive number, of shape (); without unit if relative, else in the units of
      M = JᵀWJ.
    - `relative`: whether `value` multiplies the largest eigenvalue of M.

    **Raises:** `InputError` for a value that is not positive, or a `relative` that is no bool.

    ```python
    damping = nivp.linear.Damping(1e-6, relative=False)
    solver = nivp.RidgeCholesky(damping=damping)
    ```
    """

    value: Float[Array, ""]
    relative: bool = eqx.field(static=True)

    def __init__(self, value: ArrayLike, relative: bool = True):
        check_scalar("value", value)
        if not isinstance(relative, bool):
            raise InputError(f"`relative` must be True or False, got {relative!r}")
        self.value, self.relative = jnp.asarray(value, float), relative


# What solvers take: a number is relative, None leaves the damping to the dtype.
DampingLike: TypeAlias = float | Float[Array, ""] | Damping | None


def check_damping(damping: DampingLike) -> None:
    """**Raises:** `InputError` for a damping that is not positive."""
    if damping is not None and not isinstance(damping, Damping):
        check_scalar("damping", damping)


def damping_value(
    damping: DampingLike, largest: Float[Array, ""], dtype: Any = None
) -> Float[Array, ""]:
    """mu for the largest eigenvalue of M and the dtype of its products (that of `largest` if not
    given): 1e-10 relative in float64 and 1e-6 in float32 for None.

    mu is a choice, not a function to differentiate: gradients take it as a constant. J = 0 has no
    scale; any mu gives the velocity 0, and 1 is taken.
    """
    if damping is None:
        damping = 1e-10 if (dtype or largest.dtype) == jnp.float64 else 1e-6
    if isinstance(damping, Damping):
        if not damping.relative:
            return jnp.asarray(damping.value, largest.dtype)
        damping = damping.value
    mu = jnp.where(largest == 0, jnp.ones_like(largest), damping * largest)
    return lax.stop_gradient(mu.astype(largest.dtype))
