"""Fields in one dimension: curves, their errors, and the space-time map."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D

from ._data import FieldData
from ._style import (
    colour_bar,
    error_name,
    field_scale,
    legend,
    log_scale,
    math_name,
    shades,
    tidy,
)

_ROW = 2.4  # height, inches


def draw_lines(panel: SubFigure, fields: FieldData) -> tuple[float, list[str]]:
    """Draw one row per component: curves, pointwise errors (with a reference), space-time map.

    Returns a suitable height in inches, and notes for the title.
    """
    with_map = fields.space_time_values is not None and fields.interval[1] > fields.interval[0]
    count = len(fields.names)
    columns = 1 + (fields.reference is not None) + with_map
    grid = panel.subplots(count, columns, squeeze=False)
    for k in range(count):
        row = grid[k]
        draw_curves(row[0], fields, k)
        if fields.reference is not None:
            _errors(row[1], fields, k)
        if with_map:
            _map(row[-1], fields, k)
    times_legend(panel, fields)
    notes = [] if with_map else [_known(*fields.interval)]
    return _ROW * count + 0.4 + 0.2 * bool(notes), notes


def _known(first: float, last: float) -> str:
    if last > first:
        return "only the saved times are known"
    return f"no step was accepted: only $t$ = {first:g} is known"


def draw_curves(axes: Axes, fields: FieldData, k: int) -> None:
    """Draw component k at all times, and the reference dashed."""
    x = fields.points[:, 0]
    for i, colour in enumerate(shades(len(fields.times))):
        axes.plot(x, fields.network[i, :, k], color=colour, lw=1.6)
        if fields.reference is not None:
            axes.plot(x, fields.reference[i, :, k], color="black", lw=0.9, ls=(0, (4, 3)))
    axes.set_xlim(x[0], x[-1])
    curve_labels(axes, fields, k)


def curve_labels(axes: Axes, fields: FieldData, k: int) -> None:
    """Set title and labels of the curves of component k."""
    title = "Network" if fields.reference is None else "Network and reference"
    label = "$x$"
    if fields.plane is not None:
        label = f"$x_{{{fields.axes[k]}}}$"
        title = f"Marginal density of {label}"
    tidy(axes, title=title, x=label, y=f"${math_name(fields.names[k])}$")


def _errors(axes: Axes, fields: FieldData, k: int) -> None:
    x, errors = fields.points[:, 0], fields.error[..., k]
    for error, colour in zip(errors, shades(len(fields.times)), strict=True):
        # An error of exactly 0 is a gap in the curve on a logarithmic axis.
        axes.plot(x, np.where(error > 0, error, np.nan), color=colour, lw=1.0)
    axes.set_xlim(x[0], x[-1])
    log_scale(axes, [errors], quantile=0.01)
    tidy(axes, title="Pointwise error", x="$x$", y=error_name(math_name(fields.names[k])))


def _map(axes: Axes, fields: FieldData, k: int) -> None:
    tidy(axes, title="Network in space and time", x="$x$", y="$t$", frame=True)
    assert fields.space_time_values is not None
    values = fields.space_time_values[..., k]
    colours, scale = field_scale(values)
    image = axes.imshow(
        values,
        extent=(fields.domain.lower[0], fields.domain.upper[0], *fields.interval),
        origin="lower",
        aspect="auto",
        cmap=colours,
        norm=scale,
    )
    colour_bar(axes, image, f"${math_name(fields.names[k])}$")


def times_legend(panel: SubFigure, fields: FieldData) -> None:
    """Add a legend of the times below the panels."""
    handles = [
        Line2D([], [], color=colour, lw=1.6, label=f"$t$ = {t:.3g}")
        for t, colour in zip(fields.times, shades(len(fields.times)), strict=True)
    ]
    if fields.reference is not None:
        handles.append(Line2D([], [], color="black", lw=0.9, ls=(0, (4, 3)), label="reference"))
    legend(panel, handles)
