"""Displays of a solve: bars on a terminal, a text in a notebook, plain lines elsewhere.

Each is a `ProgressCallback`. As a context manager it ends with one line on what was reached, also
after an error and Ctrl-C. Reports come between compiled functions, so a display costs nothing
while one runs.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TextIO

from ._report import Progress, ProgressCallback, no_progress

if TYPE_CHECKING:
    from rich.console import Console

_LINES = {"fit": 20, "refit": 4, "evolve": 20}  # for each phase
_UPDATES, _NOTEBOOK_SECONDS = 4, 1.0  # a second on a terminal; between two in a notebook

Clock = Callable[[], float]


@contextlib.contextmanager
def displayed(progress: ProgressCallback | bool | None) -> Iterator[ProgressCallback]:
    """The callback for the argument `progress` of `solve`, inside a `with` block.

    None shows a display on a terminal and in a notebook and nothing elsewhere, True shows it
    anywhere, False shows nothing, and a function is called itself.
    """
    notebook = _is_notebook()
    if progress is None:
        progress = notebook or is_terminal()
    if not isinstance(progress, bool):
        yield progress
    elif not progress:
        yield no_progress
    else:
        with Notebook() if notebook else Bars() if is_terminal() else Lines(_on_stderr) as show:
            yield show


def is_terminal() -> bool:
    """Whether stderr is a terminal."""
    return _is_terminal(sys.stderr)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _is_notebook() -> bool:
    """Whether the process is the kernel of a notebook, which has imported these modules then."""
    if "ipykernel.zmqshell" not in sys.modules:
        return False
    from IPython.core.getipython import get_ipython  # pyright: ignore[reportMissingImports]

    return isinstance(get_ipython(), sys.modules["ipykernel.zmqshell"].ZMQInteractiveShell)


def _on_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class _Outcome:
    """What was reached, from the reports until then."""

    def __init__(self, clock: Clock):
        self.clock, self.start = clock, clock()
        self.last: Progress | None = None

    def note(self, update: Progress) -> None:
        if not update.compiling and (update.phase != "refit" or self.last is None):
            self.last = update

    @property
    def seconds(self) -> float:
        return self.clock() - self.start

    def line(self) -> str:
        """Time reached, steps and seconds; empty if there was no report."""
        last = self.last
        if last is None:
            return ""
        if last.phase != "evolve":
            return f"{last.phase} to a held-out error of {last.numbers['error']:.2e}, {self._time}"
        attempts, steps = last.numbers["attempts"], last.numbers["steps"]
        rejected = f" ({attempts - steps} rejected)" if attempts > steps else ""
        return f"t = {last.t:.6g} reached in {steps} steps{rejected}, {self._time}"

    @property
    def _time(self) -> str:
        return f"{self.seconds:.1f} s"


class Lines:
    """Writes about twenty lines for each phase, and one before each compilation."""

    def __init__(self, write: Callable[[str], None], clock: Clock = time.perf_counter):
        self.write, self.clock, self.outcome = write, clock, _Outcome(clock)
        self.stages: dict[str, _Stage] = {}

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *exception: object) -> None:
        if line := self.outcome.line():
            self.write(line)

    def __call__(self, update: Progress) -> None:
        self.outcome.note(update)
        now, phase, fraction = self.clock(), update.phase, update.fraction
        passed = f"{now - self.outcome.start:.1f} s"
        stage = self.stages.get(phase)
        if stage is None or fraction < stage.fraction:  # another stage of a fit, or another refit
            stage = self.stages[phase] = _Stage(fraction)
        if update.compiling:
            stage.first = None
            self.write(f"{update}  {passed}")
            return
        mark, left = int(fraction * _LINES[phase]), stage.remaining(now, fraction)
        if mark > stage.mark or fraction >= 1:
            about = f", about {left:.0f} s left" if left else ""
            self.write(f"{update}  {passed}{about}")
        stage.fraction, stage.mark = fraction, max(stage.mark, mark)


class _Stage:
    """A period of increasing fractions, timed from the first report after a compilation."""

    def __init__(self, fraction: float):
        self.first: tuple[float, float] | None = None
        self.fraction, self.mark = fraction, -1

    def remaining(self, now: float, fraction: float) -> float:
        """Estimated seconds to the end; 0 if unknown."""
        self.first = (now, fraction) if self.first is None else self.first
        time0, start = self.first
        return (now - time0) * (1 - fraction) / (fraction - start) if fraction > start else 0.0


class Bars:
    """Bars on a terminal, inside a `with` block; the line on what was reached takes their place."""

    def __init__(self, console: "Console | None" = None, clock: Clock = time.perf_counter):
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            SpinnerColumn,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as RichProgress

        self.outcome = _Outcome(clock)
        self.bars = RichProgress(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.description:<7}"),
            BarColumn(bar_width=16),
            TaskProgressColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[detail]}"),
            console=Console(stderr=True) if console is None else console,
            refresh_per_second=_UPDATES,
            transient=True,
            # Otherwise what the caller prints into a file would go to the terminal.
            redirect_stdout=_is_terminal(sys.stdout),
        )
        self.tasks: dict[str, Any] = {}
        self.fractions: dict[str, float] = {}

    def __enter__(self) -> "Bars":
        self.bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.bars.stop()
        if line := self.outcome.line():
            self.bars.console.print(line, highlight=False, markup=False)

    def __call__(self, update: Progress) -> None:
        self.outcome.note(update)
        phase, fraction = update.phase, update.fraction
        if phase not in self.tasks:
            self.tasks[phase] = self.bars.add_task(phase, total=1.0, detail="")
        task = self.tasks[phase]
        # Estimates of the time begin anew: a stage of a fit, a refit, the end of a compilation.
        if update.compiling or fraction < self.fractions.get(phase, 0.0):
            self.bars.reset(task)
        self.fractions[phase] = fraction
        self.bars.update(task, completed=fraction, detail=update.detail)


class Notebook:
    """A text under the cell of a notebook, a line for each phase, written anew once a second."""

    def __init__(self, clock: Clock = time.monotonic):
        self.outcome, self.clock = _Outcome(clock), clock
        self.latest: dict[str, Progress] = {}
        self.handle: Any = None
        self.shown_at = -_NOTEBOOK_SECONDS

    def __enter__(self) -> "Notebook":
        return self

    def __exit__(self, *exception: object) -> None:
        if self.handle is not None:
            self._show(self.outcome.line())

    def __call__(self, update: Progress) -> None:
        self.outcome.note(update)
        self.latest[update.phase] = update
        if update.compiling or self.clock() - self.shown_at >= _NOTEBOOK_SECONDS:
            self._show("\n".join(f"{report}" for report in self.latest.values()))

    def _show(self, text: str) -> None:
        from IPython.display import display  # pyright: ignore[reportMissingImports]

        self.shown_at = self.clock()
        content = {"text/plain": text}
        if self.handle is None:
            self.handle = display(content, raw=True, display_id=True)
        else:
            self.handle.update(content, raw=True)
