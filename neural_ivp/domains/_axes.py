"""One axis of a product domain: an interval with two ends, or a period without any."""

from collections.abc import Sequence

import equinox as eqx
import numpy as np

from ..errors import InputError, check_finite, check_largest, check_positive, concrete


class Interval(eqx.Module):
    """The axis [lower, upper], with a face at either end.

    **Arguments:**

    - `lower`, `upper`: its ends, lengths.

    **Raises:** `InputError` unless `lower < upper`, both finite.

    ```python
    walls = nivp.Interval(0.0, 1.0)
    channel = nivp.ProductDomain((nivp.Periodic(2.0), walls))
    ```
    """

    lower: float = eqx.field(static=True)
    upper: float = eqx.field(static=True)
    periodic = False

    def __init__(self, lower: float, upper: float):
        check_finite("lower", lower)
        check_finite("upper", upper)
        if not lower < upper:
            raise InputError(f"`lower` must lie below `upper`, got {lower}, {upper}")
        self.lower, self.upper = float(lower), float(upper)


class Periodic(eqx.Module):
    """The periodic axis [lower, lower + length).

    **Arguments:**

    - `length`: the period, a positive length.
    - `lower`: start of the period.

    **Raises:** `InputError` for a length that is not positive.

    ```python
    angle = nivp.Periodic(2 * jnp.pi)
    channel = nivp.ProductDomain((angle, nivp.Interval(0.0, 1.0)))
    ```
    """

    length: float = eqx.field(static=True)
    lower: float = eqx.field(static=True)
    periodic = True

    def __init__(self, length: float, lower: float = 0.0):
        check_positive("length", length)
        check_finite("lower", lower)
        self.length, self.lower = float(length), float(lower)

    @property
    def upper(self) -> float:
        return self.lower + self.length


def as_corners(
    lower: Sequence[float], upper: Sequence[float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The corners of a box as tuples of floats."""
    low, high = as_bounds("lower", lower), as_bounds("upper", upper)
    if len(low) != len(high):
        raise InputError(
            f"`lower` has {len(low)} numbers and `upper` has {len(high)}: give one of each per "
            "dimension"
        )
    if any(a >= b for a, b in zip(low, high, strict=True)):
        raise InputError(f"`lower` must lie below `upper`, got {low}, {high}")
    return low, high


def as_bounds(name: str, values: Sequence[float]) -> tuple[float, ...]:
    """A sequence of finite numbers as a tuple of floats."""
    array = concrete(name, values)
    if array is None:
        raise InputError(f"`{name}` is traced: make the domain outside of jit, vmap and grad")
    array = np.atleast_1d(array)
    if array.ndim != 1 or array.size == 0 or not np.all(np.isfinite(array)):
        raise InputError(f"`{name}` must be a sequence of finite numbers, got {values!r}")
    check_largest("dimension", array.size, f"the number of dimensions in `{name}`")
    return tuple(float(value) for value in array)
