"""The plane of maps in two dimensions and more: points, images, height and notes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.image import AxesImage

from ..domains import AbstractDomain
from ._data import cells
from ._style import WIDTH, coordinate_names, math_name

_CELLS = 160  # per axis of a map
_HEIGHTS = 1.1, 2.8  # of a row of maps, least and most, inches
_POINTS = 501  # of a curve
_CURVES, _COLUMNS = 5, 4  # times in one dimension and in more
_MAP_TIMES, _MAP_POINTS = 160, 240  # of the space-time map


def slice_points(domain: AbstractDomain) -> np.ndarray:
    """Cell centres in the first two coordinates, the first one fastest; the others are central."""
    axes = (cells(domain.lower[i], domain.upper[i], _CELLS) for i in range(2))
    first, second = np.meshgrid(*axes)
    points = np.tile(_centre(domain), (first.size, 1))
    points[:, 0], points[:, 1] = first.ravel(), second.ravel()
    return points


def draw_map(
    axes: Axes, values: np.ndarray, colours: str, scale: Normalize, domain: AbstractDomain
) -> AxesImage:
    """The image of values at `slice_points`."""
    low, high = domain.lower, domain.upper
    return axes.imshow(
        values.reshape(_CELLS, _CELLS),
        extent=(low[0], high[0], low[1], high[1]),
        origin="lower",
        cmap=colours,
        norm=scale,
    )


def map_height(domain: AbstractDomain, count: int) -> float:
    """A suitable height in inches for a row of `count` maps."""
    sides = np.asarray(domain.upper) - domain.lower
    return float(np.clip(0.77 * WIDTH / count * sides[1] / sides[0], *_HEIGHTS))


def slice_note(domain: AbstractDomain) -> list[str]:
    """A note on the position of the plane; none in two dimensions."""
    if domain.dimension == 2:
        return []
    names = coordinate_names(domain.dimension)[2:]
    centre = _centre(domain)[2:]
    at = ", ".join(f"${name}$ = {c:.3g}" for name, c in zip(names, centre, strict=True))
    return [f"slice through the centre of the domain, {at}"]


def component_note(names: Sequence[str]) -> list[str]:
    """A note that only the first of several components is drawn."""
    return [f"component 0, ${math_name(names[0])}$, of {len(names)}"] * (len(names) > 1)


def _centre(domain: AbstractDomain) -> np.ndarray:
    return (np.asarray(domain.lower) + np.asarray(domain.upper)) / 2


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


def space_time_grid(
    domain: AbstractDomain, interval: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Times (m,) and points (j, 1) of the space-time map in one dimension."""
    first, last = interval
    times = cells(first, last, _MAP_TIMES) if last > first else np.array([first])
    return times, cells(domain.lower[0], domain.upper[0], _MAP_POINTS)[:, None]
