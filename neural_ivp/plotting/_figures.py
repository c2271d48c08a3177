"""The figures of a solution and of a fit."""

import textwrap
from collections.abc import Sequence

from matplotlib.figure import Figure

from ._canvas import Canvas
from ._data import FieldData, FitData, FitHistory, MarchData
from ._fit_fields import draw_fit_lines, draw_fit_maps
from ._fit_history import draw_history
from ._lines import draw_lines
from ._march import draw_march
from ._panels import draw_panels


def solution_figure(
    title: str, facts: Sequence[str], fields: FieldData, march: MarchData, failure: str = ""
) -> Figure:
    """Network, reference and pointwise error at a few times, and the course of the march.

    **Arguments:**

    - `title`, `facts`: the first line, and parts of the second.
    - `fields`, `march`: the contents.
    - `failure`: of the solve, in a sentence; empty if it was successful.

    **Returns:** a matplotlib `Figure`, whose `savefig` needs no display.
    """
    canvas = Canvas(title)
    draw = draw_lines if fields.domain.dimension == 1 else draw_panels
    height, notes = draw(canvas.above, fields)
    lines = [" · ".join(part) for part in (facts, notes) if part]
    if failure:
        lines += textwrap.wrap(failure.replace("$", r"\$"), 120)
    canvas.arrange(height, lines)
    draw_march(canvas.below, march)
    return canvas.figure


def fit_figure(title: str, facts: Sequence[str], fit: FitData, history: FitHistory) -> Figure:
    """Target, fit and pointwise error, and the held-out error over the steps of the stages.

    **Arguments:**

    - `title`, `facts`: as for `solution_figure`.
    - `fit`, `history`: the contents.

    **Returns:** a matplotlib `Figure`, whose `savefig` needs no display.
    """
    canvas = Canvas(title)
    draw = draw_fit_lines if fit.domain.dimension == 1 else draw_fit_maps
    height, notes = draw(canvas.above, fit)
    canvas.arrange(height, [" · ".join(part) for part in (facts, notes) if part])
    draw_history(canvas.below, history)
    return canvas.figure
