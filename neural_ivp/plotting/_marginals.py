"""A density in more than two dimensions: marginals of a few coordinates and of a pair."""

import numpy as np
from matplotlib.figure import SubFigure

from ._data import FieldData, PlaneData
from ._lines import draw_curves, times_legend
from ._panels import CLEAR, groups
from ._slice import draw_map, map_height
from ._style import colour_bar, coordinate_names, field_scale, tidy

_ROW = 2.4  # height of the curves, inches


def draw_marginals(panel: SubFigure, fields: FieldData) -> tuple[float, list[str]]:
    """Draw curves of the marginals at all times, and below them maps of those of a pair, one for
    each time; a single map at their right.

    Returns a suitable height in inches, and notes for the title (none).
    """
    plane = fields.plane
    assert plane is not None
    shared, count = groups(plane.values), len(fields.times)
    below = len(shared) > 1
    curves, maps = _ROW + 0.4, map_height(plane.domain, count, rows=1 if count < 3 else 3)
    maps += 0.6 + 0.55 * below
    if count == 1:
        grid, height = panel.add_gridspec(1, 2, width_ratios=(len(fields.axes), 1.2)), curves
    else:
        grid, height = panel.add_gridspec(2, 1, height_ratios=(curves, maps)), curves + maps
    upper, lower = (panel.add_subfigure(part) for part in grid)
    for k, axes in enumerate(upper.subplots(1, len(fields.axes), squeeze=False)[0]):
        draw_curves(axes, fields, k)
    times_legend(upper, fields)
    _maps(lower, fields.times, plane, shared)
    notes = ["a colour bar below a panel is for that time alone"] * below
    return height + 0.2 * bool(notes), notes


def _maps(panel: SubFigure, times: np.ndarray, plane: PlaneData, shared: list[list[int]]) -> None:
    row = panel.subplots(1, len(times), squeeze=False, sharex=True, sharey=True)[0]
    first, second = plane_names(plane)
    label = f"$p({first}, {second})$"
    for group in shared:
        style = field_scale(plane.values[group])
        images = [draw_map(row[i], plane.values[i], *style, plane.domain) for i in group]
        below = CLEAR if len(shared) > 1 else None
        colour_bar(row[group[-1]], images[-1], label, below=below)
    for axes, t in zip(row, times, strict=True):
        y = f"Marginal density\n${second}$" if axes is row[0] else ""
        tidy(axes, title=f"$t$ = {t:.3g}", x=f"${first}$", y=y, frame=True)


def plane_names(plane: PlaneData) -> tuple[str, str]:
    """The names of the two coordinates."""
    names = coordinate_names(max(plane.axes) + 1)
    return names[plane.axes[0]], names[plane.axes[1]]
