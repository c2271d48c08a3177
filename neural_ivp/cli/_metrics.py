"""`metrics.json`: the contract that other tools read. Every key is always there."""

import math
from typing import Any

from ..solution import ErrorReport, Solution
from ..solution._errors import reference_for
from ..solution._report import summary


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
        "evolution": summary(solution),
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
