"""The damping mu of a least-squares problem, relative or absolute."""

from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ...errors import InputError, check_positive


class Damping(eqx.Module):
    r"""The damping mu in $\min_v \overline{|J v - f|^2} + \mu |v|^2$.

    A plain number given as `damping` to a velocity solver is relative.

    **Arguments:**

    - `value`: positive, of shape (); without unit if relative, else in the units of M = J^T W J.
    - `relative`: whether `value` multiplies the largest eigenvalue of M.

    **Raises:** `InputError` for a value that is not positive, or a `relative` that is no bool.

    ```python
    damping = nivp.Damping(1e-6, relative=False)
    solver = nivp.RidgeCholesky(damping=damping)
    ```
    """

    value: Float[Array, ""]
    relative: bool = eqx.field(static=True)

    def __init__(self, value: ArrayLike, relative: bool = True):
        check_positive("value", value)
        if not isinstance(relative, bool):
            raise InputError(f"`relative` must be True or False, got {relative!r}")
        self.value, self.relative = jnp.asarray(value, float), relative


# What solvers take: a number is relative, None leaves the damping to the dtype.
DampingLike: TypeAlias = float | Float[Array, ""] | Damping | None


def check_damping(damping: DampingLike) -> None:
    """**Raises:** `InputError` for a damping that is not positive."""
    if damping is not None and not isinstance(damping, Damping):
        check_positive("damping", damping)


def damping_value(
    damping: DampingLike, largest: Float[Array, ""], dtype: Any = None
) -> Float[Array, ""]:
    """Return mu for the `largest` eigenvalue of M; it is a constant to gradients.

    If `damping` is None, mu is 1e-10 of it in float64 and 1e-6 of it in float32. `dtype` is that
    of the products with J, that of `largest` if not given.
    """
    if damping is None:
        damping = 1e-10 if (dtype or largest.dtype) == jnp.float64 else 1e-6
    if isinstance(damping, Damping):
        if not damping.relative:
            return jnp.asarray(damping.value, largest.dtype)
        damping = damping.value
    # J = 0 has no scale, and the velocity is 0 for any mu.
    mu = jnp.where(largest == 0, jnp.ones_like(largest), damping * largest)
    return jax.lax.stop_gradient(mu.astype(largest.dtype))
