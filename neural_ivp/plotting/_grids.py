"""Points and times at which a solution is evaluated for its figure."""

import numpy as np

from ..domains import AbstractDomain
from ._data import cells
from ._slice import slice_points

_POINTS = 501  # of a curve
_CURVES, _COLUMNS = 5, 4  # times in one dimension and in more
_MAP_TIMES, _MAP_POINTS = 160, 240  # of the space-time map


def field_points(domain: AbstractDomain) -> np.ndarray:
    """Points of a line in one dimension, else of the plane of maps; shape (n, d)."""
    if domain.dimension == 1:
        return np.linspace(domain.lower[0], domain.upper[0], _POINTS)[:, None]
    return slice_points(domain)


def field_times(domain: AbstractDomain, ts: np.ndarray) -> np.ndarray:
    """A few of the times `ts`, about evenly spaced, with the first and the last."""
    count = _CURVES if domain.dimension == 1 else _COLUMNS
    spaced = np.linspace(ts[0], ts[-1], count)
    return ts[np.unique([np.argmin(np.abs(ts - t)) for t in spaced])]


def history_grid(
    domain: AbstractDomain, interval: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Times (m,) and points (j, 1) of the space-time map in one dimension."""
    first, last = interval
    times = cells(first, last, _MAP_TIMES) if last > first else np.array([first])
    return times, cells(domain.lower[0], domain.upper[0], _MAP_POINTS)[:, None]
