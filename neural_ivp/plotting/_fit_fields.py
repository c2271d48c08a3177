"""A fit, its target and its error: curves in one dimension, maps in more."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ._data import FitData
from ._slice import component_note, draw_map, map_height, slice_note
from ._style import (
    ALARM,
    ERROR_MAP,
    FAINT,
    INK,
    colour_bar,
    component_names,
    coordinate_names,
    error_name,
    error_scale,
    field_scale,
    legend,
    log_scale,
    tidy,
)

_CURVES, _ERRORS = 2.2, 1.4  # heights of the two panels, inches


def draw_fit_lines(panel: SubFigure, both: FitData) -> tuple[float, list[str]]:
    """Draw fit and target, and below them the pointwise error, of the first component.

    Returns a suitable height in inches, and notes for the title.
    """
    x = both.points[:, 0]
    above, below = panel.subplots(2, 1, sharex=True, height_ratios=(_CURVES, _ERRORS))
    (line,) = above.plot(x, both.fit, color=INK, lw=1.6, label="fit")
    if both.scattered:
        # Hardly wider than the line, which stays visible below many dots.
        dots = {"ls": "none", "marker": "o", "ms": _dot(both) / 2 + 0.5, "mew": 0}
        style, error_style = {**dots, "color": ALARM, "label": "samples"}, {**dots, "color": INK}
    else:
        style = {"color": "black", "lw": 0.9, "ls": (0, (4, 3)), "label": "target"}
        error_style = {"color": INK, "lw": 1.0}
    known = both.target_points[:, 0]
    (target,) = above.plot(known, both.target, **style)
    # An error of exactly 0 is a gap in the curve on a logarithmic axis.
    below.plot(known, np.where(both.error > 0, both.error, np.nan), **error_style)
    above.set_xlim(x[0], x[-1])
    log_scale(below, [both.error], quantile=0.01)
    name = component_names(both.components)[0]
    tidy(above, title="Fit and samples" if both.scattered else "Fit and target", y=f"${name}$")
    tidy(below, title=_error_title(both), x="$x$", y=_error_label(both))
    above.tick_params(labelbottom=False)
    legend(panel, [line, target])
    return _CURVES + _ERRORS + 0.9, component_note(component_names(both.components))


def draw_fit_maps(panel: SubFigure, both: FitData) -> tuple[float, list[str]]:
    """Draw target, fit and error on a plane, or fit and errors of samples, of the first component.

    Returns a suitable height in inches, and notes for the title.
    """
    domain = both.domain
    name = component_names(both.components)[0]
    fields = {"Fit": both.fit} if both.scattered else {"Target": both.target, "Fit": both.fit}
    row = panel.subplots(1, len(fields) + 1, squeeze=False, sharex=True, sharey=True)[0]
    style = field_scale(*fields.values())
    for axes, values in zip(row, fields.values(), strict=False):
        image = draw_map(axes, values, *style, domain)
    colour_bar(row[-2], image, f"${name}$")
    _errors(row[-1], both)
    first, second = (f"${name}$" for name in coordinate_names(domain.dimension)[:2])
    for axes, title in zip(row, [*fields, _error_title(both)], strict=True):
        tidy(axes, title=title, x=first, y=second if axes is row[0] else "", frame=True)
    notes = component_note(component_names(both.components)) + slice_note(both.position)
    if both.scattered and domain.dimension > 2:
        notes.append("samples of the whole domain, each at its first two coordinates")
    return map_height(domain, len(row), rows=1) + 0.2 * bool(notes) + 0.9, notes


def _errors(axes: Axes, both: FitData) -> None:
    """Draw a map of the errors, or a dot for each sample with the largest errors on top."""
    domain, scale, label = both.domain, error_scale(both.error), _error_label(both)
    if not both.scattered:
        colour_bar(axes, draw_map(axes, both.error, ERROR_MAP, scale, domain), label)
        return
    order = np.argsort(both.error)  # NaN comes last, but has no colour
    first, second = both.target_points[order, :2].T
    style = {"c": both.error[order], "s": _dot(both) ** 2, "cmap": ERROR_MAP, "norm": scale}
    dots = axes.scatter(first, second, lw=0, **style)
    # The colours are from black to nearly white: all dots are visible on grey.
    axes.set_facecolor(FAINT)
    axes.set_aspect("equal")
    axes.set(xlim=(domain.lower[0], domain.upper[0]), ylim=(domain.lower[1], domain.upper[1]))
    colour_bar(axes, dots, label)


def _dot(both: FitData) -> float:
    """The width of the dot of a sample in points, smaller for many samples."""
    return float(np.clip(80 / np.sqrt(len(both.target_points)), 1.5, 4.5))


def _error_label(both: FitData) -> str:
    name = component_names(both.components)[0]
    return error_name(name, "sample" if both.scattered else "target")


def _error_title(both: FitData) -> str:
    return "Error at the samples" if both.scattered else "Pointwise error"
