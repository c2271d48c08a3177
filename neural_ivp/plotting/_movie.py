"""Fields in motion, written as a GIF or an MP4."""

import contextlib
import math
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.animation import FFMpegWriter
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize
from PIL import Image

from ..domains import AbstractDomain
from ..errors import InputError
from ._data import FieldData
from ._figures import Picture, in_lines, layout_engine
from ._lines import curve_labels
from ._marginals import plane_names
from ._slice import component_note, draw_map, slice_note
from ._style import (
    SMALL,
    TEXT,
    TITLE,
    WORDS,
    colour_bar,
    coordinate_names,
    field_scale,
    math_name,
    tidy,
)

_DPI, _CURVE = 100, "#2c7fb8"  # a blue beside black dashes
_PANEL, _HEAD = (4.4, 3.0), 0.8  # width and height of a panel and height of the title, inches
_COLUMNS = 3
_SAMPLES = 8  # frames for the palette of a GIF
_SHORTEST = 0.02  # of a frame of a GIF, seconds: viewers show shorter ones at a tenth of a second

# Draws the frame of a number.
_Update = Callable[[int], None]


def check_movie(path: Path, num_frames: int, seconds: float) -> None:
    """That a movie can be written.

    **Raises:** `InputError` for an unknown suffix, a folder that does not exist, frames too short
    for a GIF, or an MP4 without the program ffmpeg.
    """
    suffix = path.suffix.lower()
    if suffix not in (".gif", ".mp4"):
        raise InputError(f"`path` must end in .gif or .mp4, got {str(path)!r}")
    if not path.parent.is_dir():
        raise InputError(f"`path` is {str(path)!r}, and there is no folder {str(path.parent)!r}")
    if suffix == ".mp4" and not FFMpegWriter.isAvailable():
        raise InputError(
            f"`path` is {str(path)!r}, and an MP4 needs the program ffmpeg, which is not "
            "installed: install it, or give a path that ends in .gif"
        )
    if suffix == ".gif" and seconds < _SHORTEST * num_frames:
        raise InputError(
            f"`num_frames` / `seconds` is {num_frames / seconds:.4g}, and a GIF shows at most "
            f"{1 / _SHORTEST:g} frames a second: give fewer frames or more seconds"
        )


def write_movie(path: Path, title: str, fields: FieldData, seconds: float) -> None:
    """Write one frame for each of the times of `fields`; `path` holds the old file or the new one.

    **Arguments:**

    - `path`: of a file that `check_movie` accepts.
    - `title`: the first line, before the time.
    - `fields`: the contents; `space_time_values` is not used.
    - `seconds`: the duration.
    """
    write = _write_gif if path.suffix.lower() == ".gif" else _write_mp4
    draft = path.with_name(f"{path.stem}.part{path.suffix}")  # the suffix sets the format
    with mpl.rc_context(mpl.rcParamsDefault):
        movie = _movie(title, fields)
        try:
            write(draft, *movie, len(fields.times), seconds)
            draft.replace(path)
        finally:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)


def _write_gif(path: Path, figure: Picture, show: _Update, count: int, seconds: float) -> None:
    """All frames have the palette of some of them: with one each, as matplotlib writes, a value
    would change its colour from frame to frame."""

    def frame(i: int) -> Image.Image:
        show(i)
        figure.canvas.draw()
        pixels = np.asarray(figure.canvas.buffer_rgba())  # pyright: ignore[reportAttributeAccessIssue]
        return Image.fromarray(pixels[:, :, :3].copy())

    some = np.unique(np.linspace(0, count - 1, _SAMPLES).astype(int))
    pixels = np.concatenate([np.asarray(frame(int(i))).reshape(-1, 3) for i in some])
    # Each once, lest the colours of large areas displace those of a colour bar.
    numbers = np.unique(pixels.astype(int) @ np.array([1 << 16, 1 << 8, 1]))
    colours = (numbers[:, None] >> np.array([16, 8, 0])) & 255
    palette = Image.fromarray(colours.astype(np.uint8)[None])
    palette = palette.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    frames = (frame(i).quantize(palette=palette, dither=Image.Dither.NONE) for i in range(count))
    # In hundredths of a second, of which the sum is the duration.
    ends = np.round(100 * seconds * np.arange(count + 1) / count)
    durations = (10 * np.diff(ends)).astype(int).tolist()
    options = {"save_all": True, "append_images": frames, "duration": durations, "loop": 0}
    next(frames).save(path, "GIF", **options)


def _write_mp4(path: Path, figure: Picture, show: _Update, count: int, seconds: float) -> None:
    # Without this format of pixels many players show nothing.
    options = {"codec": "h264", "extra_args": ["-pix_fmt", "yuv420p"]}
    writer = FFMpegWriter(count / seconds, **options)  # pyright: ignore[reportArgumentType]
    with writer.saving(figure, str(path), _DPI):
        for i in range(count):
            show(i)
            writer.grab_frame()


def _movie(title: str, fields: FieldData) -> tuple[Picture, _Update]:
    """The figure of the first frame, and what draws another."""
    if fields.plane is not None:
        panels, draw = len(fields.axes) + 1, _draw_marginals
    elif fields.domain.dimension == 1:
        panels, draw = len(fields.names), _draw_curves
    else:
        panels, draw = 1 + (fields.reference is not None), _draw_maps
    columns = min(panels, 2 if panels == 4 else _COLUMNS)
    rows = math.ceil(panels / columns)
    width = max(columns * _PANEL[0], 6.0)
    labels = time_labels(fields.times)
    title = in_lines(f"{title}, $t$ = {labels[0]}", width).removesuffix(labels[0])
    height = rows * _PANEL[1] + _HEAD + 0.2 * title.count("\n")
    figure = Picture((width, height), dpi=_DPI, layout=layout_engine())
    FigureCanvasAgg(figure)
    panel = figure.add_subfigure(figure.add_gridspec(1, 1)[0])
    grid = panel.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[panels:]:
        axes.set_axis_off()
    updates, notes = draw(list(grid[:panels]), fields)
    if notes:
        panel.suptitle(" · ".join(notes), fontsize=SMALL, color=WORDS)
    heading = figure.suptitle("", fontsize=TITLE, fontweight="bold")
    updates.append(lambda i: heading.set_text(title + labels[i]))

    def show(i: int) -> None:
        for update in updates:
            update(i)

    show(0)
    figure.canvas.draw()
    figure.set_layout_engine("none")  # panels stay where they are in all frames
    return figure, show


def time_labels(times: np.ndarray) -> list[str]:
    """The times with as many decimals as tell them apart, the same for all."""
    step = float(np.min(np.diff(times)))
    decimals = max(0, math.ceil(-math.log10(step)))
    form = f".{decimals}f" if decimals <= 6 and np.max(np.abs(times)) < 1e6 else ".6e"
    return [f"{t:{form}}" for t in times]


def _draw_curves(panels: list[Axes], fields: FieldData) -> tuple[list[_Update], list[str]]:
    """Curves of the components."""
    updates = [u for k, axes in enumerate(panels) for u in _curve(axes, fields, k)]
    if fields.reference is not None:
        panels[0].legend(fontsize=SMALL, framealpha=0.8, edgecolor="none", loc="upper right")
    return updates, []


def _curve(axes: Axes, fields: FieldData, k: int) -> list[_Update]:
    x, shown = fields.points[:, 0], [fields.network[..., k]]
    (line,) = axes.plot(x, shown[0][0], color=_CURVE, lw=1.8, label="network")
    lines = [line]
    if fields.reference is not None:
        shown.append(fields.reference[..., k])
        lines += axes.plot(x, shown[1][0], color="black", lw=1.0, ls=(0, (4, 3)), label="reference")
    low, high = np.nanmin(shown), np.nanmax(shown)
    spare = 0.05 * (high - low) or 1.0
    axes.set(xlim=(x[0], x[-1]), ylim=(low - spare, high + spare))
    curve_labels(axes, fields, k)
    if fields.plane is None:
        axes.set_title("")
    return [
        lambda i, line=line, values=values: line.set_ydata(values[i])
        for line, values in zip(lines, shown, strict=True)
    ]


def _draw_maps(panels: list[Axes], fields: FieldData) -> tuple[list[_Update], list[str]]:
    """Maps of the first component of network and reference, on one scale."""
    shown = {"Network": fields.network[..., 0]}
    if fields.reference is not None:
        shown["Reference"] = fields.reference[..., 0]
    style = field_scale(*shown.values())
    names = coordinate_names(fields.points.shape[1])
    x, y = (f"${names[k]}$" for k in fields.axes)
    updates = []
    for axes, (title, values) in zip(panels, shown.items(), strict=True):
        updates.append(_map(axes, values, style, fields.domain, fields.axes))
        tidy(axes, title=title if len(shown) > 1 else "", x=x, y=y, frame=True)
    colour_bar(panels[-1], panels[-1].get_images()[0], f"${math_name(fields.names[0])}$")
    return updates, component_note(fields.names) + slice_note(fields.position, fields.axes)


def _map(
    axes: Axes,
    values: np.ndarray,
    style: tuple[str, Normalize],
    domain: AbstractDomain,
    coordinates: tuple[int, ...],
) -> _Update:
    image = draw_map(axes, values[0], *style, domain, coordinates)
    shape = image.get_array().shape  # pyright: ignore[reportOptionalMemberAccess]
    return lambda i: image.set_data(values[i].reshape(shape))


def _draw_marginals(panels: list[Axes], fields: FieldData) -> tuple[list[_Update], list[str]]:
    """Curves of the marginals, and a map of that of a pair."""
    plane = fields.plane
    assert plane is not None
    updates, _ = _draw_curves(panels[:-1], fields)
    first, second = plane_names(plane)
    axes = panels[-1]
    updates.append(_map(axes, plane.values, field_scale(plane.values), plane.domain, (0, 1)))
    colour_bar(axes, axes.get_images()[0], f"$p({first}, {second})$")
    tidy(axes, x=f"${first}$", y=f"${second}$", frame=True)
    axes.set_title("Marginal density of the pair", fontsize=TEXT)
    return updates, []
