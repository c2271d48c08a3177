"""Fields in one dimension: curves, their errors, and the space-time map."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D

from ..solution import Solution
from ..solution._errors import Reference
from ._snapshots import Snapshots, cells, few, snapshots
from ._style import (
    FAINT,
    TEXT,
    colour_bar,
    component_names,
    error_name,
    field_scale,
    legend,
    log_scale,
    shades,
    tidy,
)

_CURVES, _POINTS = 5, 501
_ROW = 2.4  # height, inches
_MAP_TIMES, _MAP_POINTS = 160, 240


def draw_lines(
    panel: SubFigure, solution: Solution, reference: Reference | None
) -> tuple[float, list[str]]:
    """One row per component: curves, pointwise errors (with a reference), space-time map.

    Returns the height in inches that suits them, and what the title should say (nothing).
    """
    domain = solution.problem.domain
    low, high = domain.lower[0], domain.upper[0]
    x = np.linspace(low, high, _POINTS)
    shots = snapshots(solution, reference, x[:, None], few(solution.ts, _CURVES))
    history = _history(solution, low, high)
    names = component_names(solution.problem.components)
    columns = 2 if reference is None else 3
    grid = panel.subplots(len(names), columns, squeeze=False)
    for k, name in enumerate(names):
        row = grid[k]
        _curves(row[0], x, shots, k, name)
        if reference is not None:
            _errors(row[1], x, shots, k, name)
        _map(row[-1], solution, history[..., k], name)
    _legend(panel, shots)
    return _ROW * len(names) + 0.4, []


def _history(solution: Solution, low: float, high: float) -> np.ndarray:
    """The network on the cells of the space-time map, shape (times, points, c)."""
    first, last = solution.interval
    times = cells(first, last, _MAP_TIMES) if last > first else np.array([first])
    points = cells(low, high, _MAP_POINTS)[:, None]
    return snapshots(solution, None, points, times).network


def _curves(axes: Axes, x: np.ndarray, shots: Snapshots, k: int, name: str) -> None:
    for i, colour in enumerate(shades(len(shots.times))):
        axes.plot(x, shots.network[i, :, k], color=colour, lw=1.6)
        if shots.reference is not None:
            axes.plot(x, shots.reference[i, :, k], color="black", lw=0.9, ls=(0, (4, 3)))
    axes.set_xlim(x[0], x[-1])
    title = "Network" if shots.reference is None else "Network and reference"
    tidy(axes, title=title, x="$x$", y=f"${name}$")


def _errors(axes: Axes, x: np.ndarray, shots: Snapshots, k: int, name: str) -> None:
    errors = shots.error[..., k]
    for error, colour in zip(errors, shades(len(shots.times)), strict=True):
        # An error of exactly 0 has no place on a logarithmic axis: a gap in the curve.
        axes.plot(x, np.where(error > 0, error, np.nan), color=colour, lw=1.0)
    axes.set_xlim(x[0], x[-1])
    log_scale(axes, [errors], quantile=0.01)
    tidy(axes, title="Pointwise error", x="$x$", y=error_name(name))


def _map(axes: Axes, solution: Solution, values: np.ndarray, name: str) -> None:
    tidy(axes, title="Network in space and time", x="$x$", y="$t$", frame=True)
    first, last = solution.interval
    if not last > first:
        axes.set(xticks=[], yticks=[])
        note = f"no step was accepted:\nonly $t$ = {first:g} is known"
        axes.text(0.5, 0.5, note, fontsize=TEXT, color=FAINT, ha="center", va="center")
        return
    colours, scale = field_scale(values)
    domain = solution.problem.domain
    image = axes.imshow(
        values,
        extent=(domain.lower[0], domain.upper[0], first, last),
        origin="lower",
        aspect="auto",
        cmap=colours,
        norm=scale,
    )
    colour_bar(axes, image, f"${name}$")


def _legend(panel: SubFigure, shots: Snapshots) -> None:
    handles = [
        Line2D([], [], color=colour, lw=1.6, label=f"$t$ = {t:.3g}")
        for t, colour in zip(shots.times, shades(len(shots.times)), strict=True)
    ]
    if shots.reference is not None:
        handles.append(Line2D([], [], color="black", lw=0.9, ls=(0, (4, 3)), label="reference"))
    legend(panel, handles)
