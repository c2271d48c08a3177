"""The figures of a solution and of a fit."""

import io
import textwrap
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from ._data import FieldData, FitData, FitHistory, MarchData
from ._fit_fields import draw_fit_lines, draw_fit_maps
from ._fit_history import draw_history
from ._lines import draw_lines
from ._march import draw_march
from ._marginals import draw_marginals
from ._panels import draw_panels, is_single
from ._style import TEXT, TITLE, WIDTH, WORDS

_DPI, _NOTEBOOK_DPI = 150, 75
_LINE = 130  # characters in the width of a figure
_TITLE_LINE = 8  # characters of a title in an inch
_NARROW = 6.5  # width of a figure of one map alone, inches
_BELOW, _HEAD = 2.5, 0.7  # heights of the panels below and of the title, inches


class Picture(Figure):
    """A figure that a notebook shows, with or without pyplot."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=_NOTEBOOK_DPI)
        return file.getvalue()


def layout_engine() -> ConstrainedLayoutEngine:
    """Margins in inches; more between maps, for the tick labels at their ends."""
    return ConstrainedLayoutEngine(w_pad=0.09, h_pad=0.06, wspace=0.03)


def in_lines(title: str, width: float) -> str:
    """The title of a figure of this width in inches, broken into lines."""
    return textwrap.fill(title, int(_TITLE_LINE * width))


class Canvas:
    """A figure, which needs no display, with its parts `fields` and `course`, the latter below the
    former or at its right.

    **Arguments:**

    - `title`: the first line.
    - `course`: whether there is that part.
    - `single`: whether the fields are one map, which fills half of the width.
    """

    def __init__(self, title: str, *, course: bool = True, single: bool = False):
        width = _NARROW if single and not course else WIDTH
        self._line = int(_LINE * width / WIDTH)
        self.figure = Picture((width, _BELOW), dpi=_DPI, layout=layout_engine())
        FigureCanvasAgg(self.figure)
        title = in_lines(title, width)
        self.figure.suptitle(title, fontsize=TITLE, fontweight="bold")
        self._head = _HEAD + 0.2 * title.count("\n")
        self._body = self.figure.add_subfigure(self.figure.add_gridspec(1, 1)[0])
        self._below = _BELOW if course and not single else 0.0
        shape = (1, 2) if course and single else (1 + course, 1)
        self._grid = self._body.add_gridspec(*shape)
        parts = [self._body.add_subfigure(part) for part in self._grid]
        self.fields, self.course = parts[0], parts[-1]

    def arrange(self, height: float, lines: Sequence[str]) -> None:
        """Set the height of the fields in inches and the lines of text over them."""
        wrap = textwrap.TextWrapper(self._line, break_long_words=False, break_on_hyphens=False)
        wrapped = [part for line in lines for part in wrap.wrap(line)]
        self._body.suptitle("\n".join(wrapped), fontsize=TEXT, color=WORDS)
        self.figure.set_figheight(height + self._below + self._head + 0.15 * len(wrapped))
        if self._below:
            self._grid.set_height_ratios([height, self._below])


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
    draw = draw_lines if fields.domain.dimension == 1 else draw_panels
    draw = draw_marginals if fields.plane is not None else draw
    single = draw is draw_panels and is_single(fields)
    attempted = march.record["t0"].size > 0
    with mpl.rc_context(mpl.rcParamsDefault):
        canvas = Canvas(title, course=attempted, single=single)
        height, notes = draw(canvas.fields, fields)
        lines = [_in_a_row(part) for part in (subtitle_parts, notes)]
        canvas.arrange(height, [*lines, failure.replace("$", r"\$")])
        if attempted:
            draw_march(canvas.course, march, upright=single)
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
    draw = draw_fit_lines if fit.domain.dimension == 1 else draw_fit_maps
    with mpl.rc_context(mpl.rcParamsDefault):
        canvas = Canvas(title)
        height, notes = draw(canvas.fields, fit)
        canvas.arrange(height, [_in_a_row(part) for part in (subtitle_parts, notes)])
        draw_history(canvas.course, history)
    return canvas.figure


def _in_a_row(parts: Sequence[str]) -> str:
    """The parts as a line that breaks only between them."""
    return " · ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)
