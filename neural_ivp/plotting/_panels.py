"""Fields in two dimensions and more: maps of network, reference and error at a few times."""

import numpy as np
from matplotlib.figure import SubFigure

from ._data import FieldData
from ._slice import MOST, component_note, draw_map, map_height, slice_note
from ._style import (
    ERROR_MAP,
    changes_sign,
    colour_bar,
    coordinate_names,
    error_name,
    error_scale,
    field_scale,
    math_name,
    tidy,
)

CLOSE, CLEAR = 8.0, 36.0  # points from a map to the bar below it
_FADING = 4.0  # ratio of the largest values at two times above which each has its own scale
_FEW = 2  # times up to which each has a row of its own, to fill the figure


def draw_panels(panel: SubFigure, fields: FieldData) -> tuple[float, list[str]]:
    """Draw network, reference and error of the first component in one column per time, of a few
    times in one row per time.

    Returns a suitable height in inches, and notes for the title.
    """
    known, count = fields.reference is not None, len(fields.times)
    kinds = ["Network", "Reference", "Pointwise error"] if known else ["Network"]
    upright = known and count <= _FEW
    rows, columns = (count, len(kinds)) if upright else (len(kinds), count)
    grid = panel.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    by_kind = grid.T if upright else grid
    bars_below = [_fields(by_kind, fields, upright)]
    if known:
        bars_below.append(_errors(by_kind[2], fields, upright))
    times = [f"$t$ = {t:.3g}" for t in fields.times]
    _labels(grid, *((kinds, times) if upright else (times, kinds)), fields)
    notes = component_note(fields.names) + slice_note(fields.position, fields.axes)
    if any(bars_below):
        notes.append("a colour bar below a panel is for that time alone")
    side = map_height(fields.domain, columns, fields.axes, rows=rows, bars=1 + upright)
    height = rows * (side + 0.08) + 0.55 * sum(bars_below) + 0.2 * bool(notes) + 0.7
    return height, notes


def is_single(fields: FieldData) -> bool:
    """Whether there is one map, of so high a domain that it does not fill the width."""
    high = map_height(fields.domain, 1, fields.axes, rows=1) == MOST[1]
    return fields.reference is None and len(fields.times) == 1 and high


def groups(values: np.ndarray) -> list[list[int]]:
    """Times that share a colour scale: all of them, or one each where the largest values differ."""
    sizes = np.nanmax(np.abs(values), axis=1)
    count = len(sizes)
    fading = sizes.max() > _FADING * sizes.min()
    return [[i] for i in range(count)] if fading else [list(range(count))]


def _fields(by_kind: np.ndarray, fields: FieldData, upright: bool) -> bool:
    """Draw network and reference on one scale; return whether bars lie below the maps."""
    drawn = [fields.network] if fields.reference is None else [fields.network, fields.reference]
    drawn = [values[..., 0] for values in drawn]
    label = f"${math_name(fields.names[0])}$"
    shared = groups(drawn[0])
    below = len(shared) > 1 and not upright
    place = fields.domain, fields.axes
    diverging = changes_sign(*drawn)  # one map of colours for all times
    for group in shared:
        style = field_scale(*(values[group] for values in drawn), diverging=diverging)
        for row, values in zip(by_kind, drawn, strict=False):
            images = [draw_map(row[i], values[i], *style, *place) for i in group]
            if len(shared) == 1 and not upright:
                colour_bar(row[-1], images[-1], label)
        if upright:
            for i, image in zip(group, images, strict=True):
                colour_bar(by_kind[1, i], image, label)
        if below:
            last = by_kind[len(drawn) - 1, group[0]]
            # Only the lowest row of maps has tick labels, below which a bar must start.
            colour_bar(last, images[0], label, below=CLEAR if len(by_kind) == 1 else CLOSE)
    return below


def _errors(row: np.ndarray, fields: FieldData, upright: bool) -> bool:
    """Draw pointwise errors on a scale from 0; return whether bars lie below the maps."""
    errors = fields.error[..., 0]
    label = error_name(math_name(fields.names[0]))
    shared = groups(errors)
    below = len(shared) > 1 and not upright
    for group in shared:
        style = ERROR_MAP, error_scale(errors[group]), fields.domain, fields.axes
        images = [draw_map(row[i], errors[i], *style) for i in group]
        for i, image in zip(group, images, strict=True):
            if upright or i == group[-1]:
                colour_bar(row[i], image, label, below=CLEAR if below else None)
    return below


def _labels(grid: np.ndarray, titles: list[str], rows: list[str], fields: FieldData) -> None:
    names = coordinate_names(fields.points.shape[1])
    x, y = (f"${names[k]}$" for k in fields.axes)
    for k, row in enumerate(grid):
        for i, axes in enumerate(row):
            tidy(
                axes,
                title=titles[i] if k == 0 else "",
                x=x if k == len(grid) - 1 else "",
                y=f"{rows[k]}\n{y}" if i == 0 else "",
                frame=True,
            )
