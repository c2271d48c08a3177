"""A density in all of space as arrays and labels for its figure."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..domains import Box
from ..types import Reference

if TYPE_CHECKING:
    from ..plotting import FieldData

# Of the window in standard deviations, and of the curves of marginals.
REACH, CURVE_POINTS, MOST_AXES = 4.5, 121, 3


def density_fields(solution: Any, reference: Reference | None) -> "FieldData":
    """u in a window around the mass in one and two dimensions; in more, the marginal densities of
    the first coordinates, in one window."""
    from .. import plotting  # here, to import matplotlib only for a figure

    d = solution.problem.domain.dimension
    low, high = _window(solution)
    if d > 2:
        low, high = (low[:MOST_AXES].min(),), (high[:MOST_AXES].max(),)
    window = Box(tuple(map(float, low)), tuple(map(float, high)))
    times = plotting.field_times(window, solution.ts)
    shared: dict[str, Any] = dict(domain=window, times=times, interval=solution.interval)
    if d > 2:
        x, axes = np.linspace(low[0], high[0], CURVE_POINTS), range(min(d, MOST_AXES))
        curves = [
            np.stack([np.asarray(solution.marginal(t, k, x).value) for k in axes], axis=-1)
            for t in times
        ]
        names = tuple(f"p{k + 1}" for k in axes)
        values: dict[str, Any] = dict(
            points=x[:, None], network=np.stack(curves), reference=None, names=names
        )
        return plotting.FieldData(**shared, **values, marginals=True)
    points = plotting.field_points(window)
    whole = d == 1 and solution.dense
    grid = plotting.space_time_grid(window, solution.interval) if whole else None
    return plotting.FieldData(
        **shared,
        points=points,
        network=_values(solution, times, points),
        reference=None if reference is None else _values(reference, times, points),
        names=solution.problem.component_names,
        space_time_values=None if grid is None else _values(solution, *grid),
    )


def _window(solution: Any) -> tuple[np.ndarray, np.ndarray]:
    """Corners of a box around the frame at all saved times, each of shape (d,)."""
    corners = []
    for t in solution.ts:
        mean, factor = (np.asarray(part) for part in solution.network(float(t)).moments())
        reach = REACH * np.sqrt(np.sum(factor**2, axis=1))
        corners.append((mean - reach, mean + reach))
    low, high = (np.stack(part) for part in zip(*corners, strict=True))
    return low.min(axis=0), high.max(axis=0)


def _values(u: Reference, times: np.ndarray, points: np.ndarray) -> np.ndarray:
    return np.stack([np.asarray(u(float(t), points), float) for t in times])
