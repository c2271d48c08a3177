"""The course of a march: error, step size, linear iterations and residual over time."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ._data import ErrorData, MarchData
from ._style import ALARM, FAINT, INK, SMALL, legend, log_scale, math_name, tidy

_MANY = 150  # steps above which markers would overlap


def draw_march(panel: SubFigure, march: MarchData, *, upright: bool = False) -> None:
    """Draw relative error (if known), step size, CG iterations (if any) and residual over time, in
    a row or, `upright`, in a column."""
    record, error = march.record, march.error
    iterative = bool(np.any(record["iterations"] > 0))
    count = 2 + (error is not None) + iterative
    shape = (count, 1) if upright else (1, count)
    row = iter(panel.subplots(*shape, squeeze=False).ravel())
    if error is not None:
        _error(_panel(row, march, "Relative $L^2$ error"), error)
    axes = _panel(row, march, "Step size")
    _per_step(axes, record, record["t1"] - record["t0"], log=True)
    handles, _ = axes.get_legend_handles_labels()
    if len(handles) > 1:
        legend(panel, sorted(handles, key=lambda line: line.get_label() == "restart"))
    if iterative:
        axes = _panel(row, march, "CG iterations per step")
        _per_step(axes, record, record["iterations"], log=False)
    axes = _panel(row, march, r"Projection residual $|Jv - f| / |f|$")
    _per_step(axes, record, record["projection_residual"], log=True)


def _panel(row, march: MarchData, title: str) -> Axes:
    """The next axes, with the time axis and a vertical line at each restart."""
    axes = next(row)
    tidy(axes, title=title, x="$t$")
    for k, t in enumerate(march.restarts):
        label = "restart" if k == 0 else None
        axes.axvline(t, color=FAINT, lw=0.8, ls=(0, (2, 2)), zorder=0, label=label)
    first, last = march.interval
    last = float(np.max(march.record["t1"], initial=last))  # with rejected steps before a failure
    if last > first:  # else no step was attempted
        axes.set_xlim(first - 0.02 * (last - first), last + 0.02 * (last - first))
    return axes


def _error(axes: Axes, error: ErrorData) -> None:
    style = {"marker": "o", "ms": 3.5} if len(error.ts) <= _MANY else {}
    lines = axes.plot(error.ts, error.relative_l2, color=INK, lw=1.4, label="all", **style)
    count = error.relative_l2_by_component.shape[1]
    if 1 < count <= 3:
        for k, name in enumerate(map(math_name, error.names)):
            shade = ((0, (4, 2)), (0, (1, 1)), (0, (5, 1, 1, 1)))[k % 3]
            values = error.relative_l2_by_component[:, k]
            lines += axes.plot(error.ts, values, color=FAINT, lw=1.1, ls=shade, label=f"${name}$")
        axes.legend(handles=lines, fontsize=SMALL, framealpha=0.8, edgecolor="none")
    log_scale(axes, [np.asarray(line.get_ydata()) for line in lines])


def _per_step(axes: Axes, record: Mapping[str, np.ndarray], values: np.ndarray, log: bool) -> None:
    """Draw a point per attempted step, at its middle: a line if accepted, a cross if rejected."""
    middle = (record["t0"] + record["t1"]) / 2
    accepted = record["accepted"]
    size = 3.0 if accepted.sum() <= _MANY else 0.0
    axes.plot(
        middle[accepted], values[accepted], color=INK, lw=1.0, marker="o", ms=size, label="accepted"
    )
    if not accepted.all():
        style = {"color": ALARM, "ls": "none", "marker": "x", "ms": 4.5, "mew": 1.1}
        axes.plot(middle[~accepted], values[~accepted], label="rejected", **style)
    if log:
        log_scale(axes, [values])
    else:
        axes.set_ylim(bottom=0)
