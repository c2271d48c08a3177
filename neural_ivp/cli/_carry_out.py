"""A solve with its progress display, its log and its folder."""

import contextlib
import io
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, TextIO

import numpy as np
from rich.console import Console

from ..config import RunConfig
from ..defaults import num_quantities
from ..errors import SolveInterrupted
from ..linear import AutoVelocitySolver, choose_velocity_solver
from ..networks import flatten
from ..progress import Progress, Report
from ..solution import Solution
from ._environment import device
from ._finish import finish
from ._folder import CHECKPOINT, remove
from ._progress import Lines, Live
from ._stream import Stream
from ._warnings import plain_warnings


class Log(io.TextIOBase):
    """A text file written line by line; a full disk is no reason to end a run."""

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
    """The log of a run, whose last line says how one ended that raised."""
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
    """Let `work` solve, called with `progress`, and finish the folder; the exit code.

    `note` says where the work begins, if not at the beginning; `before` is the record until there.
    """
    numbers = {"seed": config.seed, "points": config.method.sampler.num_points}
    try:
        solution = _solve(work, config, folder, log, quiet, note, before)
    except SolveInterrupted as stopped:
        return finish(stopped.solution, folder, log, **numbers)[0]
    code, written = finish(solution, folder, log, **numbers)
    if written:
        # After a failure too: what is resumed takes the same steps, and fails at the same place.
        remove(folder / CHECKPOINT)
    return code


def _solve(
    work: Callable[..., Solution],
    config: RunConfig,
    folder: Path,
    log: Log,
    quiet: bool,
    note: str,
    before: Sequence[Mapping[str, np.ndarray]],
) -> Solution:
    problem, network = config.problem, config.network
    live = not quiet and sys.stderr.isatty()

    def line(text: str) -> None:
        print(text, file=log)
        if not quiet and not live:
            print(text, file=sys.stderr, flush=True)

    def warn(text: str) -> None:
        for stream in (log, sys.stderr):
            print(text, file=stream, flush=True)

    line(
        f"{type(problem).__name__} in {problem.domain.dimension} dimension(s), "
        f"{flatten(network)[0].size} parameters ({config.dtype}), on {device()}; into {folder}"
        f"{note}"
    )
    velocity = config.method.velocity
    if isinstance(velocity, AutoVelocitySolver):
        rows = config.method.sampler.num_points * num_quantities(problem, network)
        p = flatten(network)[0].size
        line(choose_velocity_solver(p, rows, config.dtype, memory=velocity.memory)[1])
    lines = Lines(line)
    with plain_warnings(warn), contextlib.ExitStack() as stack:
        stream = stack.enter_context(Stream(folder / "record.csv", before))
        reports: list[Report] = [stream, lines]
        if live:
            first = "evolve" if note else "fit"
            reports.append(stack.enter_context(Live(Console(stderr=True), first)))

        def progress(made: Progress) -> None:
            for report in reports:
                report(made)

        return work(progress=progress)
