"""A solve with its progress display, log and run folder."""

import contextlib
import io
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, TextIO

import numpy as np

from ..config import RunConfig
from ..defaults import num_quantities
from ..errors import SolveInterrupted
from ..linear import AutoVelocitySolver, choose_velocity_solver
from ..networks import flatten
from ..progress import Bars, Lines, Progress, ProgressCallback, is_terminal
from ..solution import Solution
from ._environment import device
from ._finish import finish
from ._folder import CHECKPOINT, remove
from ._stream import RecordWriter
from ._warnings import plain_warnings


class Log(io.TextIOBase):
    """A text file written line by line, without errors, so that a full disk does not end a run."""

    def __init__(self, path: Path, mode: Literal["w", "a"]):
        self.file: TextIO | None = None
        with contextlib.suppress(OSError):
            self.file = path.open(mode, encoding="utf-8", buffering=1)

    def write(self, text: str) -> int:
        if self.file is not None:
            with contextlib.suppress(OSError):
                self.file.write(text)
        return len(text)

    def close(self) -> None:
        if self.file is not None:
            with contextlib.suppress(OSError):
                self.file.close()
        super().close()


@contextlib.contextmanager
def run_log(path: Path, mode: Literal["w", "a"] = "w") -> Iterator[Log]:
    """The log of a run; an exception in the block is its last line."""
    with Log(path, mode) as log:
        try:
            yield log
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=log)
            raise


def carry_out(
    work: Callable[..., Solution],
    config: RunConfig,
    folder: Path,
    log: Log,
    quiet: bool,
    note: str = "",
    before: Sequence[Mapping[str, np.ndarray]] = (),
) -> int:
    """Call `work` with `progress`, write its solution to the folder and return the exit code.

    For a resumed run, `note` says where it continues and `before` is the record up to there.
    """
    problem, num_points = config.problem, config.method.sampler.num_points
    d = problem.domain.dimension
    p, live = flatten(config.network)[0].size, not quiet and is_terminal()

    def line(text: str) -> None:
        print(text, file=log)
        if not quiet and not live:
            print(text, file=sys.stderr, flush=True)

    def warn(text: str) -> None:
        for stream in (log, sys.stderr):
            print(text, file=stream, flush=True)

    line(
        f"{problem.name} in {d} dimension{'s' * (d > 1)}, "
        f"{p} parameters ({config.dtype}), on {device()}; into {folder}{note}"
    )
    velocity = config.method.velocity_solver
    if isinstance(velocity, AutoVelocitySolver):
        rows = num_points * num_quantities(problem, config.network)
        line(choose_velocity_solver(p, rows, config.dtype, memory=velocity.memory)[1])
    reports: list[ProgressCallback] = [Lines(line)]

    def progress(update: Progress) -> None:
        for report in reports:
            report(update)

    try:
        with plain_warnings(warn), contextlib.ExitStack() as stack:
            reports.append(stack.enter_context(RecordWriter(folder / "record.csv", before)))
            if live:
                reports.append(stack.enter_context(Bars()))
            solution = work(progress=progress)
    except SolveInterrupted as error:
        solution = error.solution
    # A reference may take as long as the solve, and there is no bar for it.
    for stream in (log,) if quiet else (log, sys.stderr):
        print("computing the errors and the picture", file=stream, flush=True)
    code, written = finish(solution, folder, log, seed=config.seed, points=num_points)
    if written and solution.result != "interrupted":
        # After a failure too: a resumed march would repeat the same steps and fail again.
        remove(folder / CHECKPOINT)
    return code
