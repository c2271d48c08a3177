"""The end of a run: write solution, metrics and figure, and print the outcome.

Other tools read `metrics.json`: every key is always present.
"""

import io
import math
import sys
import tempfile
from pathlib import Path
from typing import Any

from ..diagnostics import ErrorReport, step_totals
from ..errors import InputError
from ..files import write_whole
from ..solution import Solution
from ._environment import device, versions
from ._folder import CHECKPOINT, write_json


def finish(
    solution: Solution, folder: Path, log: io.TextIOBase, *, seed: int, points: int
) -> tuple[int, bool]:
    """The exit code, and whether solution and metrics were written.

    `seed` and `points` (of a step) are entries of `metrics.json`.
    """
    lost = _save(solution, folder)
    errors, unknown = measured(solution)
    table = metrics(
        solution, errors, seed=seed, points=points, device=device(), versions=versions()
    )
    try:
        write_json(folder / "metrics.json", table)
    except OSError as error:
        lost.append(f"metrics.json could not be written ({error.strerror or error})")
    outcome = f"{_outcome(table, unknown)}\n{_picture(solution, folder)}"
    for stream in (log, sys.stdout):
        print(outcome, file=stream)
    for sentence in _sentences(solution, folder, lost):
        for stream in (log, sys.stderr):
            print(sentence, file=stream)
    if solution.result == "interrupted":
        return 130, not lost
    return int(bool(lost) or solution.result != "successful"), not lost


def _save(solution: Solution, folder: Path) -> list[str]:
    """Save the solution, in a temporary folder if that fails; a sentence for each failure."""
    try:
        solution.save(folder / "solution.nivp")
        return []
    except (OSError, InputError) as error:  # the latter where the folder was removed
        reason = getattr(error, "strerror", None) or error
        failed = f"solution.nivp could not be written ({reason})"
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
        # A reference may raise ValueError, a full disk OSError. After a failed solve there may be
        # nothing to draw, and its own failure matters more.
        if solution.result == "successful" and not isinstance(error, ValueError | OSError):
            raise
        return f"no picture: {error}"
    return f"picture: {folder / 'figure.png'}"


def _sentences(solution: Solution, folder: Path, lost: list[str]) -> list[str]:
    """Sentences on a run that failed, was interrupted or lost a file."""
    resume = ""
    if (folder / CHECKPOINT).is_file():
        resume = f"; `neural-ivp resume {folder}` goes on from there"
    if solution.result == "interrupted":
        sentences = [f"{solution.message}{resume}"]
    elif solution.result != "successful":
        sentences = [f"error: the solve ended early: {solution.message}"]
    else:
        sentences = []
    if lost and resume:
        how = "" if solution.result == "interrupted" else resume  # said above
        lost = [*lost, f"free some space: the last checkpoint is kept{how}"]
    return sentences + [f"error: {sentence}" for sentence in lost]


def _outcome(table: dict[str, Any], unknown: str) -> str:
    errors, overall = table["relative_l2_error"], table["relative_l2_error_overall"]
    if errors is None:
        error = f"relative L2 error: unknown: {unknown}"
    else:
        last, t = errors[-1], table["times"][-1]
        error = f"relative L2 error: {_number(overall)} overall, {_number(last)} at t = {t:g}"
    seconds = table["wall_seconds"]
    parts = ", ".join(f"{name} {seconds[name]:.1f}" for name in ("compile", "fit", "evolve"))
    return f"{error}\nwall time: {seconds['total']:.1f} s ({parts})"


def _number(value: float | None) -> str:
    return "undefined (the reference vanishes)" if value is None else f"{value:.2e}"


def measured(solution: Solution) -> tuple[ErrorReport | None, str]:
    """The errors against the problem's reference, or None and the reason why there are none."""
    try:
        reference = solution.problem.reference(float(solution.ts[0]))
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

    - `times`, `relative_l2_error`: one entry per saved time. The errors are None without a
      reference, and an entry is None where the reference vanishes.
    - `relative_l2_error_components`: a list per time, only for problems of several components.
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
        components = None if errors is None else errors.relative_l2_by_component.tolist()
        table["relative_l2_error_components"] = components
    return _finite(table)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def draw(solution: Solution, path: Path) -> None:
    """Write the figure of a solution."""
    figure = solution.plot()
    write_whole(path, lambda draft: figure.savefig(draft, format="png"))
