"""Signs in the record of a march that something limits it, in words, with what to change."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ._trajectory import Segment

if TYPE_CHECKING:
    from ._solution import Solution

# Steps from which on medians mean something.
ENOUGH = 12
# Stability intervals of the usual explicit schemes on the negative real axis begin here (Heun 2,
# Bosh3 2.5, Dopri5 and Tsit5 3.3).
EDGE = 2.0


def signatures(solution: "Solution") -> list[str]:
    """One sentence for each sign that the march of a solution shows."""
    record = solution.record
    kept = {name: values[record["accepted"]] for name, values in record.items()}
    if len(kept["t0"]) < ENOUGH:
        return []
    found = [
        _stability(kept),
        _rejections(record),
        _iterations(kept),
        _unconverged(record),
        _plateau(kept),
        _growing(kept),
        _too_few_points(kept),
        _oscillation(solution.segments),
    ]
    return [sentence for sentence in found if sentence]


def _ends(values: np.ndarray) -> tuple[float, float]:
    """Medians of the first and of the last quarter."""
    part = max(len(values) // 4, 1)
    return float(np.median(values[:part])), float(np.median(values[-part:]))


def _stability(kept: Mapping[str, np.ndarray]) -> str:
    steps = (kept["t1"] - kept["t0"]) * kept["stiffness"]
    if np.all(np.isnan(steps)) or not np.nanmedian(steps) > EDGE:
        return ""
    return (
        f"stiff: step size times the fastest rate is {np.nanmedian(steps):.1f} (median), at the "
        "edge of stability of an explicit scheme. Try `Adaptive(Implicit())` with a solver of all "
        "parameters, `RidgeDual` or `RidgeCholesky`"
    )


def _rejections(record: Mapping[str, np.ndarray]) -> str:
    share = float(np.mean(~record["accepted"]))
    if share < 0.3:
        return ""
    return (
        f"rejected steps: {share:.0%} of the attempts. The error of a step is noisy: try more "
        "points, a larger damping, or a larger rtol"
    )


def _iterations(kept: Mapping[str, np.ndarray]) -> str:
    first, last = _ends(kept["iterations"])
    if not last > 2 * max(first, 1):
        return ""
    return (
        f"conditioning: linear iterations in a step grew from {first:.0f} to {last:.0f}. Try a "
        "restart rule, `RestartOnIterations`, or a preconditioner of larger rank"
    )


def _unconverged(record: Mapping[str, np.ndarray]) -> str:
    short, total = record["unconverged"].sum(), record["rhs_evaluations"].sum()
    if not short > 0.1 * total:
        return ""
    return (
        f"linear solves: {short / total:.0%} ended short of their tolerance. Try a larger damping "
        "or rtol of the velocity solver, or an exact one (`Auto` chooses)"
    )


def _plateau(kept: Mapping[str, np.ndarray]) -> str:
    residual = float(np.median(kept["projection_residual"]))
    if not residual > 0.05:
        return ""
    return (
        f"residual: the network cannot follow {residual:.0%} of L[u] (median). Try a wider or "
        "deeper network, a smaller damping, or more points if it is much larger on points not used"
    )


def _growing(kept: Mapping[str, np.ndarray]) -> str:
    first, last = _ends(kept["held_out_residual"])
    if not last > 5 * first:
        return ""
    return (
        f"residual: on points not used it grew from {first:.1e} to {last:.1e}. Try "
        "`RestartOnResidual`, or a wider network"
    )


def _too_few_points(kept: Mapping[str, np.ndarray]) -> str:
    used, held_out = (
        float(np.median(kept[name])) for name in ("projection_residual", "held_out_residual")
    )
    if not (held_out > 5 * used and held_out > 1e-3):
        return ""
    return (
        f"points: the residual is {held_out:.1e} on points not used and {used:.1e} on those of "
        "the step (medians). Try more points, or a larger damping"
    )


def _oscillation(segments: Sequence[Segment]) -> str:
    """Successive moves of the parameters that point against one another."""
    turns = []
    for segment in segments:
        moves = np.diff(segment.theta.astype(float), axis=0)
        sizes = np.linalg.norm(moves, axis=1)
        inner = np.sum(moves[1:] * moves[:-1], axis=1)
        turns.extend(inner / np.maximum(sizes[1:] * sizes[:-1], 1e-300))
    if len(turns) < ENOUGH or not np.median(turns) < -0.2:
        return ""
    return (
        "oscillation: successive steps move the parameters back and forth (median cosine "
        f"{np.median(turns):.2f}). Try a larger damping, or an implicit scheme"
    )
