"""The figures of a solution and of a fit."""

import textwrap
from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.layout_engine import ConstrainedLayoutEngine

from ._data import FieldData, FitData, FitHistory, MarchData
from ._fit_fields import draw_fit_lines, draw_fit_maps
from ._fit_history import draw_history
from ._lines import draw_lines
from ._march import draw_march
from ._panels import draw_panels
from ._style import TEXT, TITLE, WIDTH, WORDS

_DPI = 150
_BELOW, _HEAD = 2.5, 0.7  # heights of the panels below and of the title, inches


class Canvas:
    """A figure, which needs no display, with its parts `above` and `below`."""

    def __init__(self, title: str):
        # Margins in inches; more between maps, for the tick labels at their ends.
        layout = ConstrainedLayoutEngine(w_pad=0.09, h_pad=0.06, wspace=0.03)
        self.figure = Figure((WIDTH, _BELOW), dpi=_DPI, layout=layout)
        FigureCanvasAgg(self.figure)
        self.figure.suptitle(title, fontsize=TITLE, fontweight="bold")
        self._grid = GridSpec(2, 1, figure=self.figure)
        self.above = self.figure.add_subfigure(self._grid[0])
        self.below = self.figure.add_subfigure(self._grid[1])

    def arrange(self, height: float, lines: list[str]) -> None:
        """Set the height of the fields in inches and the lines of text over them."""
        self.figure.set_figheight(height + _BELOW + _HEAD)
        self._grid.set_height_ratios([height, _BELOW])
        self.above.suptitle("\n".join(lines), fontsize=TEXT, color=WORDS)


def solution_figure(
    title: str,
    subtitle_parts: Sequence[str],
    fields: FieldData,
    march: MarchData,
    failure: str = "",
) -> Figure:
    """Network, reference and pointwise error at a few times, and the course of the march.

    **Arguments:**

    - `title`, `subtitle_parts`: the first line, and parts of the second.
    - `fields`, `march`: the contents.
    - `failure`: of the solve, in a sentence; empty if it was successful.

    **Returns:** a matplotlib `Figure`, whose `savefig` needs no display.
    """
    canvas = Canvas(title)
    draw = draw_lines if fields.domain.dimension == 1 else draw_panels
    height, notes = draw(canvas.above, fields)
    lines = [" · ".join(part) for part in (subtitle_parts, notes) if part]
    if failure:
        lines += textwrap.wrap(failure.replace("$", r"\$"), 120)
    canvas.arrange(height, lines)
    draw_march(canvas.below, march)
    return canvas.figure


def fit_figure(
    title: str, subtitle_parts: Sequence[str], fit: FitData, history: FitHistory
) -> Figure:
    """Target, fit and pointwise error, and the held-out error over the steps of the stages.

    **Arguments:**

    - `title`, `subtitle_parts`: as for `solution_figure`.
    - `fit`, `history`: the contents.

    **Returns:** a matplotlib `Figure`, whose `savefig` needs no display.
    """
    canvas = Canvas(title)
    draw = draw_fit_lines if fit.domain.dimension == 1 else draw_fit_maps
    height, notes = draw(canvas.above, fit)
    canvas.arrange(height, [" · ".join(part) for part in (subtitle_parts, notes) if part])
    draw_history(canvas.below, history)
    return canvas.figure
