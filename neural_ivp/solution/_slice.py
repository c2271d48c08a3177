"""Which plane of a space of more than two dimensions a picture shows."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..domains import AbstractDomain, low_discrepancy_unit_points
from ..errors import InputError

# Points of the whole domain, and of each of the boxes around the best one, which become smaller.
POINTS, ROUNDS, SHRINK = 8_000, 4, 0.3


def check_axes(axes: Any, d: int) -> tuple[int, int] | None:
    """Two numbers of coordinates.

    **Raises:** `InputError` for something else.
    """
    if axes is None:
        return None
    pair = tuple(axes) if isinstance(axes, tuple | list | np.ndarray) else ()
    whole = all(isinstance(k, int | np.integer) and not isinstance(k, bool) for k in pair)
    if d < 2 or len(pair) != 2 or not whole or pair[0] == pair[1] or not set(pair) <= {*range(d)}:
        have = f"two of 0, ..., {d - 1}, such as (0, 1)" if d > 1 else "None in one dimension"
        raise InputError(f"`axes` must be {have}, got {axes!r}")
    return int(pair[0]), int(pair[1])


def slice_position(
    values: Callable[[np.ndarray], np.ndarray], domain: AbstractDomain
) -> np.ndarray:
    """The point where |values|, relative to the maximum at each time, is largest on average.

    It is found on low-discrepancy points, first of the domain and then around the best one.

    **Arguments:**

    - `values`: points (n, d) to values at k times, shape (k, n); NaN outside of the domain.
    - `domain`: of the points.

    **Returns:** shape (d,).
    """
    low, high = np.asarray(domain.lower), np.asarray(domain.upper)
    unit = low_discrepancy_unit_points(POINTS, domain.dimension)
    points = low + unit * (high - low)
    sizes = np.abs(values(points))
    largest = np.nanmax(sizes, axis=1, keepdims=True, initial=0.0)
    largest[largest == 0] = 1.0
    for k in range(ROUNDS + 1):
        mean = np.mean(sizes / largest, axis=0)
        point = points[np.argmax(np.where(np.isfinite(mean), mean, -1.0))]
        if k < ROUNDS:
            around = point + SHRINK ** (k + 1) * (unit - 0.5) * (high - low)
            points = np.clip(around, low, high)
            points[0] = point
            sizes = np.abs(values(points))
    return point
