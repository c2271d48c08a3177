"""The style of the figures: sizes, colours, scales and number formats."""

import re
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colorizer import ColorizingArtist
from matplotlib.colors import Normalize
from matplotlib.figure import SubFigure
from matplotlib.mathtext import MathTextParser
from matplotlib.ticker import LogFormatterSciNotation, LogLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import ScaledTranslation

WIDTH = 11.0  # of a figure, inches
TITLE, TEXT, SMALL = 12.0, 9.0, 8.0  # font sizes in points
INK, FAINT, ALARM, WORDS = "#1f3b5c", "#8a8f98", "#c8442f", "#454a52"
ERROR_MAP = "magma"
_INCH = 72.0  # points


class _RoundTicks(MaxNLocator):
    """At most five round numbers, fewer where the axis is short."""

    def __init__(self):
        MaxNLocator.__init__(self, steps=[1, 2, 2.5, 5, 10])

    def __call__(self):
        space = 5 if self.axis is None else self.axis.get_tick_space()
        self.set_params(nbins=int(np.clip(space, 1, 5)))
        return MaxNLocator.__call__(self)


def component_names(count: int) -> list[str]:
    """u, v, w for up to three components; otherwise u with an index."""
    if count <= 3:
        return list("uvw"[:count])
    return [f"u_{{{k}}}" for k in range(count)]


def math_name(name: str) -> str:
    """The name of a component in mathematics: a letter as it is, a word upright; digits at the end
    and what follows a letter and _ are an index."""
    if len(name) == 1 or "_{" in name:
        return name
    if parts := re.fullmatch(r"([A-Za-z])(\d*)(?:_(\w+))?", name):
        index = ",".join(part for part in parts.groups()[1:] if part)
        return f"{parts[1]}_{{{index}}}"
    letters = name.rstrip("0123456789")
    word, index = letters.replace("_", r"\_"), name[len(letters) :]
    return rf"\mathrm{{{word}}}" + (f"_{{{index}}}" if index else "")


def error_name(name: str, other: str = "ref") -> str:
    """|u - u_ref| for the name of a component, which may have an index."""
    word = rf"\mathrm{{{other}}}"
    index = f"{name[:-1]},{word}}}" if "_{" in name else f"{name}_{{{word}}}"
    return f"$|{name} - {index}|$"


def coordinate_names(dimension: int) -> list[str]:
    """x in one dimension, x_0, x_1, ... in several, as in the names of faces and axes."""
    return ["x"] if dimension == 1 else [f"x_{{{k}}}" for k in range(dimension)]


def plain(text: str) -> str:
    """The text as a figure shows it: dollar signs that enclose no mathematics are escaped."""
    try:
        MathTextParser("path").parse(text)
    except ValueError:
        return text.replace("$", r"\$")
    return text


def scientific(value: float) -> str:
    """A number with two digits, if needed with a power of ten, as mathtext."""
    if not np.isfinite(value):
        return "undefined"
    if value == 0 or 0.01 <= value < 1000:
        return f"{value:.2g}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return rf"${mantissa}\times 10^{{{int(exponent)}}}$"


def parameter_count_label(parameters: int) -> str:
    """The size of a network in words."""
    return f"{parameters:,} network parameters".replace(",", "\N{THIN SPACE}")


def shades(count: int) -> np.ndarray:
    """Colours from early (dark) to late (light), without yellow, which is faint on paper."""
    return mpl.colormaps["viridis"](np.linspace(0.0, 0.85, count))


def tidy(axes: Axes, *, title: str = "", x: str = "", y: str = "", frame: bool = False) -> None:
    """Set labels, font sizes and spines; with `frame` all four spines, for maps."""
    axes.set_title(title, fontsize=TEXT)
    axes.set_xlabel(x, fontsize=TEXT)
    axes.set_ylabel(y, fontsize=TEXT)
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "linear":
            axis.set_major_locator(_RoundTicks())
    _ticks(axes)
    for side, spine in axes.spines.items():
        spine.set_linewidth(0.6)
        spine.set_visible(frame or side in ("left", "bottom"))


def colour_bar(
    axes: Axes, image: ColorizingArtist, label: str, *, below: float | None = None
) -> None:
    """Add a thin bar as long as the axes: at their right, or `below` points below them."""
    if below is None:
        move, place = ScaledTranslation(7 / _INCH, 0, axes.figure.dpi_scale_trans), (1, 0, 0.045, 1)
    else:
        move = ScaledTranslation(0, -below / _INCH, axes.figure.dpi_scale_trans)
        place = (0, -0.045, 1, 0.045)
    inset = axes.inset_axes(place, transform=axes.transAxes + move)
    side = "vertical" if below is None else "horizontal"
    bar = axes.figure.colorbar(image, cax=inset, orientation=side, ticks=_RoundTicks())
    bar.outline.set_linewidth(0.6)  # pyright: ignore[reportCallIssue]
    bar.set_label(label, fontsize=TEXT)
    _ticks(bar.ax)


def _ticks(axes: Axes) -> None:
    axes.tick_params(labelsize=SMALL, width=0.6, length=3)
    axes.tick_params(which="minor", labelsize=SMALL, width=0.4, length=2)


def legend(panel: SubFigure, handles: Sequence[Artist]) -> None:
    """Add a legend of one row below the panels."""
    panel.legend(
        handles=list(handles),
        loc="outside lower center",
        ncols=len(handles),
        fontsize=SMALL,
        frameon=False,
        borderpad=0,
        handlelength=1.8,
    )


def changes_sign(*values: np.ndarray) -> bool:
    """Whether a field has values of both signs, the smaller ones above 5 % of the larger ones."""
    low, high = _range(*values)
    return bool(min(-low, high) > 0.05 * max(-low, high))


def field_scale(*values: np.ndarray, diverging: bool | None = None) -> tuple[str, Normalize]:
    """Colour map and scale of a field: `diverging` about 0, if not given where it changes sign."""
    low, high = _range(*values)
    size = max(-low, high) or 1.0
    if changes_sign(*values) if diverging is None else diverging:
        return "RdBu_r", Normalize(-size, size)
    return "viridis", Normalize(low, high if high > low else low + size)


def _range(*values: np.ndarray) -> tuple[float, float]:
    """The smallest and the largest value, with 0."""
    low = min((np.nanmin(v, initial=0.0) for v in values), default=0.0)
    high = max((np.nanmax(v, initial=0.0) for v in values), default=0.0)
    return float(low), float(high)


def error_scale(values: np.ndarray) -> Normalize:
    """Linear from 0 to the largest error."""
    return Normalize(0.0, np.nanmax(values, initial=0.0) or 1.0)


def log_scale(axes: Axes, values: Sequence[np.ndarray], quantile: float = 0.0) -> None:
    """Set a logarithmic y axis over the positive `values` above a quantile, if there are any."""
    flat = np.concatenate([np.ravel(v) for v in values])
    positive = flat[np.isfinite(flat) & (flat > 0)]
    if not positive.size:
        return
    low, high = np.log10([np.quantile(positive, quantile), positive.max()])
    # At least a decade, so that there is a tick at a power of ten and noise looks small.
    spare = max(0.08 * (high - low), (1.0 - (high - low)) / 2)
    axes.set_yscale("log")
    axes.set_ylim(10 ** (low - spare), 10 ** (high + spare))
    if high - low < 2.2:  # powers of ten alone would be one or two ticks
        between = (1, 2, 5) if high - low < 1.2 else (1, 3)
        axes.yaxis.set_major_locator(LogLocator(subs=between))
        formatter = LogFormatterSciNotation(minor_thresholds=(np.inf, np.inf))
        axes.yaxis.set_major_formatter(formatter)
    axes.yaxis.set_minor_formatter(NullFormatter())
