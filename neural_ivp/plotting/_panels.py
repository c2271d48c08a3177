"""Fields in two dimensions and more: maps of network, reference and error at a few times."""

import numpy as np
from matplotlib.figure import SubFigure

from ._data import FieldData
from ._slice import component_note, draw_map, map_height, slice_note
from ._style import (
    ERROR_MAP,
    colour_bar,
    coordinate_names,
    error_name,
    error_scale,
    field_scale,
    math_name,
    tidy,
)

_CLOSE, _CLEAR = 8.0, 36.0  # points from a map to the bar below it
_FADING = 4.0  # ratio of the largest values at two times above which each has its own scale


def draw_panels(panel: SubFigure, fields: FieldData) -> tuple[float, list[str]]:
    """Draw rows network, reference and error, one column per time, of the first component.

    Returns a suitable height in inches, and notes for the title.
    """
    known = fields.reference is not None
    rows = ["Network", "Reference", "Pointwise error"] if known else ["Network"]
    count = len(fields.times)
    grid = panel.subplots(len(rows), count, squeeze=False, sharex=True, sharey=True)
    bars_below = [_fields(grid, fields)]
    if known:
        bars_below.append(_errors(grid[2], fields))
    _labels(grid, rows, fields)
    notes = component_note(fields.names) + slice_note(fields.domain)
    if any(bars_below):
        notes.append("a colour bar below a panel is for that time alone")
    side = map_height(fields.domain, count)
    height = len(rows) * (side + 0.08) + 0.55 * sum(bars_below) + 0.2 * bool(notes) + 0.7
    return height, notes


def _groups(values: np.ndarray) -> list[list[int]]:
    """Times that share a colour scale: all of them, or one each where the largest values differ."""
    sizes = np.max(np.abs(values), axis=1)
    count = len(sizes)
    fading = sizes.max() > _FADING * sizes.min()
    return [[i] for i in range(count)] if fading else [list(range(count))]


def _fields(grid: np.ndarray, fields: FieldData) -> bool:
    """Draw network and reference on one scale; return whether each time has its own."""
    drawn = [fields.network] if fields.reference is None else [fields.network, fields.reference]
    drawn = [values[..., 0] for values in drawn]
    label = f"${math_name(fields.names[0])}$"
    groups = _groups(drawn[0])
    for group in groups:
        style = field_scale(*(values[group] for values in drawn))
        for row, values in zip(grid, drawn, strict=False):
            images = [draw_map(row[i], values[i], *style, fields.domain) for i in group]
            if len(groups) == 1:
                colour_bar(row[-1], images[-1], label)
        if len(groups) > 1:
            last = grid[len(drawn) - 1, group[0]]
            # Only the lowest row of maps has tick labels, below which a bar must start.
            colour_bar(last, images[0], label, below=_CLEAR if len(grid) == 1 else _CLOSE)
    return len(groups) > 1


def _errors(row: np.ndarray, fields: FieldData) -> bool:
    """Draw pointwise errors on a scale from 0; return whether each time has its own."""
    errors = fields.error[..., 0]
    label = error_name(math_name(fields.names[0]))
    groups = _groups(errors)
    for group in groups:
        scale = error_scale(errors[group])
        images = [draw_map(row[i], errors[i], ERROR_MAP, scale, fields.domain) for i in group]
        below = _CLEAR if len(groups) > 1 else None
        colour_bar(row[group[-1]], images[-1], label, below=below)
    return len(groups) > 1


def _labels(grid: np.ndarray, rows: list[str], fields: FieldData) -> None:
    x, y = (f"${name}$" for name in coordinate_names(fields.domain.dimension)[:2])
    for k, row in enumerate(grid):
        for i, axes in enumerate(row):
            tidy(
                axes,
                title=f"$t$ = {fields.times[i]:.3g}" if k == 0 else "",
                x=x if k == len(grid) - 1 else "",
                y=f"{rows[k]}\n{y}" if i == 0 else "",
                frame=True,
            )
