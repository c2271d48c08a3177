"""The layout of a figure: a title, fields above and curves below."""

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.layout_engine import ConstrainedLayoutEngine

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
