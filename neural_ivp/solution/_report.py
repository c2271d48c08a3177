"""The report of a solution in words and numbers."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..evolution._invariants import Invariants
from ._signatures import signatures

if TYPE_CHECKING:
    from ._solution import Solution


def summary(solution: "Solution") -> dict[str, int]:
    """Totals over the attempted steps."""
    record = solution.record
    accepted = record["accepted"]
    return {
        "accepted_steps": int(accepted.sum()),
        "rejected_steps": int((~accepted).sum()),
        "rhs_evaluations": int(record["rhs_evaluations"].sum()),
        "cg_iterations": int(record["iterations"].sum()),
        "gram_products": int(record["products"].sum()),
        "restarts": sum(not fit.get("refused") for fit in solution.fits[1:]),
    }


def report(solution: "Solution") -> str:
    """A page of plain text; figures are of this solve."""
    totals = summary(solution)
    p = solution.segments[0].theta.shape[1]
    first, last = solution.interval
    lines = [
        f"{type(solution.problem).__name__} in {solution.problem.domain.dimension} dimension(s), "
        f"{p} parameters ({solution.segments[0].theta.dtype})",
        f"result: {solution.result}" + (f". {solution.message}" if solution.message else ""),
        f"time: {first:g} to {last:g}",
    ]
    for k, fit in enumerate(solution.fits):
        name = "initial fit" if k == 0 else f"refit at t = {fit['t']:g}"
        reason = f" ({fit['reason']})" if fit.get("reason") else ""
        lines.append(
            f"{name}{reason}: held-out relative L2 error {fit['relative_l2_error']:.2e} "
            f"after {fit['steps']:.0f} steps"
        )
        remark = fit_remark(fit)
        if fit.get("refused"):
            lines.append("refused: that is more than the tolerance of refits; the march went on")
        elif remark:
            lines.append(f"warning: it {remark}")
    lines.append(
        f"steps: {totals['accepted_steps']} accepted, {totals['rejected_steps']} rejected; "
        f"{totals['rhs_evaluations']} right-hand sides"
    )
    if totals["accepted_steps"]:
        lines += _of_steps(solution, totals)
    lines += [f"sign of trouble: {sentence}" for sentence in signatures(solution)]
    if solution.seconds:
        spent = ", ".join(f"{name} {value:.1f} s" for name, value in solution.seconds.items())
        lines.append(f"wall time: {spent}")
    return "\n".join(lines)


def fit_remark(fit: Mapping[str, Any]) -> str:
    """What is wrong with a fit that is worse than the steps' tolerance; empty if it is not."""
    error, tolerance = fit["relative_l2_error"], fit.get("tolerance", math.inf)
    if error <= tolerance:
        return ""
    return (
        f"has a held-out relative L2 error of {error:.1e}, more than the tolerance rtol = "
        f"{tolerance:.1e} of the time steps: the solution cannot be better than its start. Give "
        "the fit more steps or a wider or deeper network, or march with a larger rtol"
    )


def _of_steps(solution: "Solution", totals: dict[str, int]) -> list[str]:
    record = solution.record
    kept = record["accepted"]
    dt = (record["t1"] - record["t0"])[kept]
    residual, held_out = (
        record[name][kept] for name in ("projection_residual", "held_out_residual")
    )
    lines = [
        f"step size: {dt.min():.2e} to {dt.max():.2e}",
        f"projection residual |J v - f| / |f|: median {np.median(residual):.1e}, "
        f"largest {residual.max():.1e}; on points not used: median {np.median(held_out):.1e}, "
        f"largest {held_out.max():.1e}",
        f"condition number of the solved system: up to {record['condition'][kept].max():.1e}"
        + _ranks(record["effective_rank"][kept]),
    ]
    rates = (record["stiffness"] * (record["t1"] - record["t0"]))[kept]
    if not np.all(np.isnan(rates)):
        lines.append(
            "step size times the fastest rate seen (explicit schemes are stable to 2 or 3): "
            f"median {np.nanmedian(rates):.2g}, largest {np.nanmax(rates):.2g}"
        )
    lines += _of_invariants(solution)
    unconverged = int(record["unconverged"].sum())
    if totals["cg_iterations"] or unconverged:
        lines.append(
            f"linear solves: {totals['cg_iterations']} iterations, {totals['gram_products']} "
            f"products with M, {int(record['rebuilds'].sum())} preconditioners built; "
            f"{unconverged} of {totals['rhs_evaluations']} ended short of their "
            f"tolerance (largest relative residual {record['linear_residual'].max():.1e})"
        )
    return lines


def _of_invariants(solution: "Solution") -> list[str]:
    """How far each invariant went from its value in the initial value."""
    record, problem = solution.record, solution.problem
    kept = record["invariants"][record["accepted"]]
    start = np.asarray(Invariants.of(problem, kept.dtype)(problem.initial))
    lines = []
    for name, before, values in zip(problem.invariants, start, kept.T, strict=True):
        moved = np.max(np.abs(values - before))
        lines.append(
            f"{name}: {values[-1]:.10g}, up to {moved:.1e} from the {before:.10g} at the start"
        )
    return lines


def _ranks(ranks: np.ndarray) -> str:
    if np.any(np.isnan(ranks)):
        return ""
    return f"; effective rank {ranks.min():.0f} to {ranks.max():.0f}"
