"""`neural-ivp run CONFIG`: solve, and leave a run folder behind."""

import contextlib
import functools
import io
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, TextIO

import numpy as np
from rich.console import Console

from .._errors import Interrupted
from ..config import RunConfig, dtype_of, make_config, read_table
from ..linear import Auto
from ..networks import flatten
from ..solution import Solution
from ..solve import Checkpoint, Progress, solve
from ..solve._defaults import num_quantities
from ..solve._progress import Report
from ._environment import device, environment, precision
from ._finish import finish
from ._folder import CHECKPOINT, make_folder, remove, write_json, write_text
from ._progress import Lines, Live
from ._stream import Stream
from ._warnings import plain_warnings


def run(
    path: str,
    *,
    out: str | None = None,
    overrides: list[str],
    seed: int | None = None,
    quiet: bool = False,
    every: int = 20,
    argv: list[str],
) -> int:
    """Run a config; 0 if the solve reached its end, 130 if it was interrupted and 1 otherwise.

    A checkpoint is written every `every` attempted steps, none for 0; see `resume`.

    **Raises:** `InputError` for a config, a folder or a problem that cannot be used.
    """
    changes = overrides if seed is None else [*overrides, f"seed={seed}"]
    table = read_table(path, changes)
    with precision(dtype_of(table)):
        config = make_config(table)
        folder = make_folder(out, Path(path).stem)
        write_text(folder / "config.toml", config.toml())
        write_json(folder / "environment.json", environment(config.dtype, argv))
        work = functools.partial(
            solve,
            config.problem,
            config.network,
            config.method,
            ts=config.ts,
            key=config.key,
            throw=False,
            checkpoint=Checkpoint(folder / CHECKPOINT, every) if every else None,
        )
        with run_log(folder / "run.log") as log:
            return carry_out(work, config, folder, log, quiet)


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
    try:
        solution = _solve(work, config, folder, log, quiet, note, before)
    except Interrupted as stopped:
        return finish(stopped.solution, config, folder, log)[0]
    code, written = finish(solution, config, folder, log)
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
    if isinstance(velocity, Auto):
        rows = config.method.sampler.num_points * num_quantities(problem, network)
        line(velocity.choice(flatten(network)[0].size, rows, config.dtype)[1])
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
