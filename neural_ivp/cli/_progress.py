"""Where a solve stands: a live display on a terminal, plain lines everywhere else."""

import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from ..progress import Progress

# Lines of each phase; a refit is one of many.
_LINES = {"fit": 20, "refit": 4, "evolve": 20}


class Lines:
    """About twenty lines of each phase, to `write`; used as `solve`'s `progress`."""

    def __init__(
        self, write: Callable[[str], None], clock: Callable[[], float] = time.perf_counter
    ):
        self.write, self.clock, self.began = write, clock, clock()
        self.stages: dict[str, _Stage] = {}

    def __call__(self, made: Progress) -> None:
        now, count = self.clock(), _LINES[made.phase]
        stage = self.stages.get(made.phase)
        if stage is None or made.fraction < stage.fraction:  # of a fit, or another refit
            stage = self.stages[made.phase] = _Stage(now, made.fraction)
        mark = int(made.fraction * count)
        if mark > stage.mark or made.fraction >= 1:
            left = stage.remaining(now, made.fraction)
            about = f", about {left:.0f} s left" if left else ""
            where = f"{made.phase:<7} {made.fraction:4.0%}  {describe(made)}"
            self.write(f"{where}  {now - self.began:.1f} s{about}")
        stage.fraction, stage.mark = made.fraction, max(stage.mark, mark)


class _Stage:
    """A run of rising fractions; its speed is taken from its first report, after compiling."""

    def __init__(self, now: float, fraction: float):
        self.first = (now, fraction)
        self.fraction, self.mark = fraction, -1

    def remaining(self, now: float, fraction: float) -> float:
        """Seconds to the end at the speed so far, 0 where that is unknown."""
        began, start = self.first
        return (now - began) * (1 - fraction) / (fraction - start) if fraction > start else 0.0


class Live:
    """Bars on a terminal; used as `solve`'s `progress`, inside a `with` block.

    `first` is the phase that the work begins with.
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

    def __call__(self, made: Progress) -> None:
        if made.phase not in self.tasks:
            self.tasks[made.phase] = self.bars.add_task(made.phase, total=1.0, detail="")
        task = self.tasks[made.phase]
        # Without this a second stage or refit would inherit the end of the first.
        if made.fraction < self.bars.tasks[self.bars.task_ids.index(task)].completed:
            self.bars.reset(task)
        self.bars.update(task, completed=made.fraction, detail=describe(made))


def describe(made: Progress) -> str:
    """The numbers of a report in words."""
    numbers = made.numbers
    if made.phase != "evolve":
        at = f"t = {made.t:<8.4g}  " if made.phase == "refit" else ""
        return f"{at}held-out error {numbers['error']:.2e}"
    iterations = f"  CG iterations {numbers['iterations']}" if numbers["iterations"] else ""
    return (
        f"t = {made.t:<8.4g}  step {numbers['dt']:.1e}"
        f"{iterations}  residual {numbers['residual']:.1e}"
    )
