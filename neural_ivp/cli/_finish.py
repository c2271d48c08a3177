"""The end of a run: write everything that was computed, and say what came out.

`metrics.json` is the contract that other tools read: every key is always there.
"""

import io
import math
import sys
import tempfile
from pathlib import Path
from typing import Any

from ..diagnostics import ErrorReport, reference_for, step_totals
from ..solution import Solution
from ._environment import device, versions
from ._folder import CHECKPOINT, write_json, write_whole


def finish(
    solution: Solution, folder: Path, log: io.TextIOBase, *, seed: int, points: int
) -> tuple[int, bool]:
    """The exit code, and whether solution and metrics are in the folder.

    `seed` and `points` (of a step) are for `metrics.json`.
    """
    lost = _save(solution, folder)
    errors, unknown = measured(solution)
    figures = metrics(
        solution,
        errors,
        seed=seed,
        points=points,
        device=device(),
        versions=versions(),
    )
    try:
        write_json(folder / "metrics.json", figures)
    except OSError as error:
        lost.append(f"metrics.json could not be written ({error.strerror or error})")
    outcome = f"{_outcome(figures, unknown)}\n{_picture(solution, folder)}"
    for stream in (log, sys.stdout):
        print(outcome, file=stream)
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
        failed = f"solution.nivp could not be written ({error.strerror or error})"
    try:
        spare = Path(tempfile.mkdtemp(prefix="neural-ivp-")) / "solution.nivp"
        solution.save(spare)
    except OSError:
        return [failed]
    return [f"{failed}; it is {spare}"]


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
        sentences = [f"{solution.message}{resume}"]
    elif solution.result != "successful":
        sentences = [f"error: the solve ended early: {solution.message}"]
    else:
        sentences = []
    if lost and resume:
        how = "" if solution.result == "interrupted" else resume  # in a sentence before
        lost = [*lost, f"free some space: the last checkpoint is kept{how}"]
    return sentences + [f"error: {sentence}" for sentence in lost]


def _outcome(figures: dict[str, Any], unknown: str) -> str:
    errors, overall = figures["relative_l2_error"], figures["relative_l2_error_overall"]
    if errors is None:
        error = f"relative L2 error: unknown: {unknown}"
    else:
        last, t = errors[-1], figures["times"][-1]
        error = f"relative L2 error: {_number(overall)} overall, {_number(last)} at t = {t:g}"
    seconds = figures["wall_seconds"]
    parts = ", ".join(f"{name} {seconds[name]:.1f}" for name in ("compile", "fit", "evolve"))
    return f"{error}\nwall time: {seconds['total']:.1f} s ({parts})"


def _number(value: float | None) -> str:
    return "undefined (the reference vanishes)" if value is None else f"{value:.2e}"


def measured(solution: Solution) -> tuple[ErrorReport | None, str]:
    """The errors against the problem's reference, on held-out points.

    None, and why, where no reference is known or it does not resolve this problem.
    """
    try:
        reference = reference_for(solution.problem, float(solution.ts[0]))
        if reference is None:
            return None, "no reference is known for this problem"
        return solution.error(reference), ""
    except ValueError as error:
        return None, str(error)


def metrics(
    solution: Solution,
    errors: ErrorReport | None,
    *,
    seed: int,
    points: int,
    device: str,
    versions: dict[str, str],
) -> dict[str, Any]:
    """The contents of `metrics.json`; a number that is not finite is None (null).

    - `times`, `relative_l2_error`: one entry per saved time; the errors are None together where
      no reference is known, and single ones where the reference vanishes.
    - `relative_l2_error_components`: a list per time, for problems of several components only.
    - `fit`: of the initial value. `evolution`: totals over the attempted steps.
    """
    theta, fit = solution.segments[0].theta, solution.fits[0]
    table = {
        "problem": type(solution.problem).__name__,
        "result": solution.result,
        "message": solution.message,
        "seed": seed,
        "parameters": int(theta.shape[1]),
        "points": points,
        "dtype": str(theta.dtype),
        "device": device,
        "versions": versions,
        "times": solution.ts.tolist(),
        "relative_l2_error": None if errors is None else errors.relative_l2.tolist(),
        "relative_l2_error_overall": None if errors is None else errors.overall,
        "fit": {"relative_l2_error": fit["relative_l2_error"], "steps": int(fit["steps"])},
        "evolution": step_totals(solution.record, solution.fits),
        "wall_seconds": {name: float(value) for name, value in solution.seconds.items()},
    }
    if solution.problem.components > 1:
        components = None if errors is None else errors.components.tolist()
        table["relative_l2_error_components"] = components
    return _finite(table)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def draw(solution: Solution, path: Path) -> None:
    """Write the picture of a solution."""
    figure = solution.plot()
    write_whole(path, lambda draft: figure.savefig(draft, format="png"))
