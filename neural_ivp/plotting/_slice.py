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
# Heights of a row of maps in inches: the least, and the most by the number of rows.
LEAST, MOST = 1.1, {1: 4.4, 2: 3.2, 3: 2.8}
_POINTS = 501  # of a curve
_CURVES, _COLUMNS = 5, 4  # times in one dimension and in more
_MAP_TIMES, _MAP_POINTS = 160, 240  # of the space-time map


def slice_points(
    domain: AbstractDomain, axes: tuple[int, int], position: np.ndarray | None
) -> np.ndarray:
    """Cell centres of the coordinates `axes`, the first one fastest; the others are of `position`,
    which is needed in more than two dimensions."""
    sides = (cells(domain.lower[k], domain.upper[k], _CELLS) for k in axes)
    first, second = np.meshgrid(*sides)
    centre = np.zeros(2) if position is None else position
    points = np.tile(centre, (first.size, 1))
    points[:, axes[0]], points[:, axes[1]] = first.ravel(), second.ravel()
    return points


def draw_map(
    axes: Axes,
    values: np.ndarray,
    colours: str,
    scale: Normalize,
    domain: AbstractDomain,
    coordinates: tuple[int, ...] = (0, 1),
) -> AxesImage:
    """The image of values in equal cells, as many along both coordinates, the first one fastest."""
    (left, right), (bottom, top) = ((domain.lower[k], domain.upper[k]) for k in coordinates)
    side = int(np.sqrt(values.size))
    return axes.imshow(
        values.reshape(side, side),
        extent=(left, right, bottom, top),
        origin="lower",
        cmap=colours,
        norm=scale,
        interpolation="bilinear" if side < _CELLS else None,
    )


def map_height(
    domain: AbstractDomain,
    count: int,
    coordinates: tuple[int, ...] = (0, 1),
    *,
    rows: int = 3,
    bars: int = 1,
) -> float:
    """A suitable height in inches for each of so many rows of `count` maps and `bars` at the right
    of maps."""
    # The layout leaves too little room for labels where the width is what limits maps.
    width = (0.86 - 0.09 * bars) * WIDTH / count
    first, second = (domain.upper[k] - domain.lower[k] for k in coordinates)
    return float(np.clip(width * second / first, LEAST, MOST[rows]))


def slice_note(position: np.ndarray | None, axes: tuple[int, ...] = (0, 1)) -> list[str]:
    """A note on the position of the plane; none in two dimensions."""
    if position is None:
        return []
    names = coordinate_names(len(position))
    rest = [k for k in range(len(position)) if k not in axes]
    at = ", ".join(f"${names[k]}$ = {position[k]:.3g}" for k in rest)
    return [f"slice through the largest values, {at}"]


def component_note(names: Sequence[str]) -> list[str]:
    """A note that only the first of several components is drawn."""
    return [f"component 0, ${math_name(names[0])}$, of {len(names)}"] * (len(names) > 1)


def field_points(
    domain: AbstractDomain, axes: tuple[int, int] = (0, 1), position: np.ndarray | None = None
) -> np.ndarray:
    """Points of a line in one dimension, else of the plane of maps; shape (n, d)."""
    if domain.dimension == 1:
        return np.linspace(domain.lower[0], domain.upper[0], _POINTS)[:, None]
    return slice_points(domain, axes, position)


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
