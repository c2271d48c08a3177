"""Progress of a solve: a live display on a terminal, plain lines elsewhere."""

import contextlib
import time
import warnings
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from ..errors import CheckpointWarning, FitWarning
from ..progress import Progress

_LINES = {"fit": 20, "refit": 4, "evolve": 20}  # for each phase
_PLAIN = (FitWarning, CheckpointWarning)


class Lines:
    """Writes about twenty lines for each phase; the `progress` of `solve`."""

    def __init__(
        self, write: Callable[[str], None], clock: Callable[[], float] = time.perf_counter
    ):
        self.write, self.clock, self.start = write, clock, clock()
        self.stages: dict[str, _Stage] = {}

    def __call__(self, update: Progress) -> None:
        now, phase, fraction = self.clock(), update.phase, update.fraction
        stage = self.stages.get(phase)
        if stage is None or fraction < stage.fraction:  # another stage of a fit, or another refit
            stage = self.stages[phase] = _Stage(now, fraction)
        mark = int(fraction * _LINES[phase])
        if mark > stage.mark or fraction >= 1:
            left = stage.remaining(now, fraction)
            about = f", about {left:.0f} s left" if left else ""
            line = f"{phase:<7} {fraction:4.0%}  {update!s}"
            self.write(f"{line}  {now - self.start:.1f} s{about}")
        stage.fraction, stage.mark = fraction, max(stage.mark, mark)


class _Stage:
    """A period of increasing fractions, timed from its first report, which is after compiling."""

    def __init__(self, now: float, fraction: float):
        self.first = (now, fraction)
        self.fraction, self.mark = fraction, -1

    def remaining(self, now: float, fraction: float) -> float:
        """Estimated seconds to the end; 0 if unknown."""
        time0, start = self.first
        return (now - time0) * (1 - fraction) / (fraction - start) if fraction > start else 0.0


class Live:
    """Bars on a terminal, inside a `with` block; the `progress` of `solve`.

    `first` is the first phase.
    """

    def __init__(self, console: Console, first: str = "fit"):
        self.first = first
        self.bars = Bars(
            TextColumn("{task.description:<7}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[detail]}"),
            console=console,
        )
        self.tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "Live":
        self.bars.start()
        self.tasks[self.first] = self.bars.add_task(self.first, total=1.0, detail="compiling")
        return self

    def __exit__(self, *exception: object) -> None:
        self.bars.stop()

    def __call__(self, update: Progress) -> None:
        phase, fraction = update.phase, update.fraction
        if phase not in self.tasks:
            self.tasks[phase] = self.bars.add_task(phase, total=1.0, detail="")
        task = self.tasks[phase]
        # A second stage or refit starts its own time estimate.
        if fraction < self.bars.tasks[self.bars.task_ids.index(task)].completed:
            self.bars.reset(task)
        self.bars.update(task, completed=fraction, detail=str(update))


@contextlib.contextmanager
def plain_warnings(write: Callable[[str], None]) -> Iterator[None]:
    """Pass the library's own warnings to `write`, one line each, without file and line number."""
    with warnings.catch_warnings():
        # "always": Python would show a warning only once in a process, which may have many runs.
        for category in _PLAIN:
            warnings.simplefilter("always", category)
        show = warnings.showwarning

        def plain(message, category, *place, **more) -> None:
            if issubclass(category, _PLAIN):
                write(f"warning: {message}")
            else:
                show(message, category, *place, **more)

        warnings.showwarning = plain  # catch_warnings restores it
        yield
