"""`neural-ivp run CONFIG`: solve, and leave a run folder behind."""

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TextIO

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
from ._environment import device, environment, precision, versions
from ._folder import CHECKPOINT, make_folder, remove, write_json, write_text
from ._metrics import measured, metrics
from ._plot import draw
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


@contextlib.contextmanager
def run_log(path: Path, mode: Literal["w", "a"] = "w") -> Iterator[TextIO]:
    """A text file written line by line, whose last line says how a run ended that raised."""
    with path.open(mode, encoding="utf-8", buffering=1) as log:
        try:
            yield log
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=log)
            raise


def carry_out(
    work: Callable[..., Solution],
    config: RunConfig,
    folder: Path,
    log: TextIO,
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
        return _finish(stopped.solution, config, folder, log)
    code = _finish(solution, config, folder, log)
    # After a failure too: what is resumed takes the same steps, and fails at the same place.
    remove(folder / CHECKPOINT)
    return code


def _solve(
    work: Callable[..., Solution],
    config: RunConfig,
    folder: Path,
    log: TextIO,
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


def _finish(solution: Solution, config: RunConfig, folder: Path, log: TextIO) -> int:
    """Write everything that was computed, say what came out; the exit code."""
    failed, interrupted = solution.result != "successful", solution.result == "interrupted"
    solution.save(folder / "solution.nivp")
    errors, unknown = measured(solution)
    figures = metrics(
        solution,
        errors,
        seed=config.seed,
        points=config.method.sampler.num_points,
        device=device(),
        versions=versions(),
    )
    write_json(folder / "metrics.json", figures)
    text = _outcome(figures, unknown)
    try:
        draw(solution, folder / "figure.png")
        text += f"\npicture: {folder / 'figure.png'}"
    except Exception as error:
        # A reference may refuse the problem with a ValueError. What is left of a failed solve
        # may not be drawable at all, and that failure is the news.
        if not (failed or isinstance(error, ValueError)):
            raise
        text += f"\nno picture: {error}"
    for stream in (log, sys.stdout):
        print(text, file=stream)
    if failed:
        said = solution.message if interrupted else f"the solve ended early: {solution.message}"
        if interrupted and (folder / CHECKPOINT).is_file():
            said += f"; `neural-ivp run --resume {folder}` goes on from there"
        for stream in (log, sys.stderr):
            print(said if interrupted else f"error: {said}", file=stream)
    return 130 if interrupted else int(failed)


def _outcome(figures: dict[str, Any], unknown: str) -> str:
    errors, overall = figures["relative_l2_error"], figures["relative_l2_error_overall"]
    if errors is None:
        said = f"relative L2 error: unknown: {unknown}"
    else:
        last, t = errors[-1], figures["times"][-1]
        said = f"relative L2 error: {_number(overall)} overall, {_number(last)} at t = {t:g}"
    seconds = figures["wall_seconds"]
    parts = ", ".join(f"{name} {seconds[name]:.1f}" for name in ("compile", "fit", "evolve"))
    return f"{said}\nwall time: {seconds['total']:.1f} s ({parts})"


def _number(value: float | None) -> str:
    return "undefined (the reference vanishes)" if value is None else f"{value:.2e}"
