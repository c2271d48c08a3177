"""The end of a run: write everything that was computed, and say what came out."""

import io
import sys
import tempfile
from pathlib import Path
from typing import Any

from ..config import RunConfig
from ..solution import Solution
from ._environment import device, versions
from ._folder import CHECKPOINT, write_json
from ._metrics import measured, metrics
from ._plot import draw


def finish(
    solution: Solution, config: RunConfig, folder: Path, log: io.TextIOBase
) -> tuple[int, bool]:
    """The exit code, and whether solution and metrics are in the folder."""
    lost = _save(solution, folder)
    errors, unknown = measured(solution)
    figures = metrics(
        solution,
        errors,
        seed=config.seed,
        points=config.method.sampler.num_points,
        device=device(),
        versions=versions(),
    )
    try:
        write_json(folder / "metrics.json", figures)
    except OSError as error:
        lost.append(f"metrics.json could not be written ({error.strerror or error})")
    said = f"{_outcome(figures, unknown)}\n{_picture(solution, folder)}"
    for stream in (log, sys.stdout):
        print(said, file=stream)
    for sentence in _sentences(solution, folder, lost):
        for stream in (log, sys.stderr):
            print(sentence, file=stream)
    if solution.result == "interrupted":
        return 130, not lost
    return int(bool(lost) or solution.result != "successful"), not lost


def _save(solution: Solution, folder: Path) -> list[str]:
    """Save the solution, in the temporary folder if its own does not take it; what went wrong."""
    try:
        solution.save(folder / "solution.nivp")
        return []
    except OSError as error:
        said = f"solution.nivp could not be written ({error.strerror or error})"
    try:
        spare = Path(tempfile.mkdtemp(prefix="neural-ivp-")) / "solution.nivp"
        solution.save(spare)
    except OSError:
        return [said]
    return [f"{said}; it is {spare}"]


def _picture(solution: Solution, folder: Path) -> str:
    try:
        draw(solution, folder / "figure.png")
    except Exception as error:
        # A reference may refuse the problem with a ValueError, and a disk be full. What is left of
        # a failed solve may not be drawable at all, and that failure is the news.
        if solution.result == "successful" and not isinstance(error, ValueError | OSError):
            raise
        return f"no picture: {error}"
    return f"picture: {folder / 'figure.png'}"


def _sentences(solution: Solution, folder: Path, lost: list[str]) -> list[str]:
    """What else there is to say of a run that is not whole."""
    resume = ""
    if (folder / CHECKPOINT).is_file():
        resume = f"; `neural-ivp run --resume {folder}` goes on from there"
    if solution.result == "interrupted":
        said = [f"{solution.message}{resume}"]
    elif solution.result != "successful":
        said = [f"error: the solve ended early: {solution.message}"]
    else:
        said = []
    if lost and resume:
        how = "" if solution.result == "interrupted" else resume  # said above
        lost = [*lost, f"free some space: the last checkpoint is kept{how}"]
    return said + [f"error: {sentence}" for sentence in lost]


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
