"""The held-out error of a fit over the steps of its stages."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.figure import SubFigure

from ._data import FitHistory
from ._style import ALARM, FAINT, TEXT, legend, log_scale, shades, tidy

_MANY = 150  # reports above which markers would overlap


@dataclass
class _Reports:
    """Steps of one stage, counted from the start of the fit, and errors."""

    name: str
    steps: list[int] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)


def draw_history(panel: SubFigure, history: FitHistory) -> None:
    """Draw one curve per stage, and the error of the network that the fit returned."""
    axes = panel.subplots()
    tidy(axes, title="Held-out error", x="steps", y="relative $L^2$ error")
    if not any(step for _, step, _ in history.reports):
        axes.set(xticks=[], yticks=[])
        endings = "; ".join(history.endings)
        note = f"no step was taken: {endings}" if endings else "no stage was run"
        middle = {"transform": axes.transAxes, "ha": "center", "va": "center"}
        axes.text(0.5, 0.5, note, fontsize=TEXT, color=FAINT, **middle)
        return
    stages = _stages(history)
    steps, errors = (
        np.concatenate([getattr(stage, name) for stage in stages]) for name in ("steps", "errors")
    )
    axes.plot(steps, _positive(errors), color=FAINT, lw=0.9, zorder=1)  # from stage to stage
    size = 4.0 if len(steps) <= _MANY else 0.0
    for stage, shade in zip(stages, shades(len(stages)), strict=True):
        style = {"marker": "o", "ms": size if len(stage.steps) > 1 else 4.0, "lw": 1.4}
        axes.plot(stage.steps, _positive(stage.errors), color=shade, label=stage.name, **style)
    final = history.final
    axes.axhline(final, color=ALARM, lw=0.9, ls=(0, (4, 3)), zorder=0, label="returned network")
    last = int(steps.max())
    axes.set_xlim(-0.02 * last, 1.02 * last)
    log_scale(axes, [errors, np.array([final])])
    legend(panel, axes.get_legend_handles_labels()[0])


def _stages(history: FitHistory) -> list[_Reports]:
    """The reports of each stage; a step number that does not increase starts another stage."""
    stages: list[_Reports] = []
    before, latest = 0, 0  # the steps of the stages before, the last step of this one
    for name, step, error in history.reports:
        if not stages or name != stages[-1].name or step <= latest:
            before, latest = before + latest, 0
            stages.append(_Reports(name))
        latest = step
        stages[-1].steps.append(before + latest)
        stages[-1].errors.append(error)
    return stages


def _positive(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """`values` with NaN where they are not positive, for a logarithmic axis."""
    array = np.asarray(values, float)
    return np.where(np.isfinite(array) & (array > 0), array, np.nan)
