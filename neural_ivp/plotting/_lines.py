"""Fields in one dimension: curves, their errors, and the space-time map."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D

from ._data import FieldData
from ._style import (
    FAINT,
    TEXT,
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

    Returns a suitable height in inches, and notes for the title (none).
    """
    x = fields.points[:, 0]
    names = [math_name(name) for name in fields.names]
    columns = 1 + (fields.reference is not None) + (not fields.marginals)
    grid = panel.subplots(len(names), columns, squeeze=False)
    for k, name in enumerate(names):
        row = grid[k]
        _curves(row[0], x, fields, k, name)
        if fields.reference is not None:
            _errors(row[1], x, fields, k, name)
        if not fields.marginals:
            _map(row[-1], fields, k, name)
    _legend(panel, fields)
    return _ROW * len(names) + 0.4, []


def _curves(axes: Axes, x: np.ndarray, fields: FieldData, k: int, name: str) -> None:
    for i, colour in enumerate(shades(len(fields.times))):
        axes.plot(x, fields.network[i, :, k], color=colour, lw=1.6)
        if fields.reference is not None:
            axes.plot(x, fields.reference[i, :, k], color="black", lw=0.9, ls=(0, (4, 3)))
    axes.set_xlim(x[0], x[-1])
    title = "Network" if fields.reference is None else "Network and reference"
    title = f"Marginal density of $x_{{{k + 1}}}$" if fields.marginals else title
    tidy(axes, title=title, x=f"$x_{{{k + 1}}}$" if fields.marginals else "$x$", y=f"${name}$")


def _errors(axes: Axes, x: np.ndarray, fields: FieldData, k: int, name: str) -> None:
    errors = fields.error[..., k]
    for error, colour in zip(errors, shades(len(fields.times)), strict=True):
        # An error of exactly 0 is a gap in the curve on a logarithmic axis.
        axes.plot(x, np.where(error > 0, error, np.nan), color=colour, lw=1.0)
    axes.set_xlim(x[0], x[-1])
    log_scale(axes, [errors], quantile=0.01)
    tidy(axes, title="Pointwise error", x="$x$", y=error_name(name))


def _map(axes: Axes, fields: FieldData, k: int, name: str) -> None:
    tidy(axes, title="Network in space and time", x="$x$", y="$t$", frame=True)
    first, last = fields.interval
    if fields.space_time_values is None or not last > first:
        axes.set(xticks=[], yticks=[])
        note = f"no step was accepted:\nonly $t$ = {first:g} is known"
        if last > first:
            note = "only the saved times are known"
        axes.text(0.5, 0.5, note, fontsize=TEXT, color=FAINT, ha="center", va="center")
        return
    values = fields.space_time_values[..., k]
    colours, scale = field_scale(values)
    image = axes.imshow(
        values,
        extent=(fields.domain.lower[0], fields.domain.upper[0], first, last),
        origin="lower",
        aspect="auto",
        cmap=colours,
        norm=scale,
    )
    colour_bar(axes, image, f"${name}$")


def _legend(panel: SubFigure, fields: FieldData) -> None:
    handles = [
        Line2D([], [], color=colour, lw=1.6, label=f"$t$ = {t:.3g}")
        for t, colour in zip(fields.times, shades(len(fields.times)), strict=True)
    ]
    if fields.reference is not None:
        handles.append(Line2D([], [], color="black", lw=0.9, ls=(0, (4, 3)), label="reference"))
    legend(panel, handles)
