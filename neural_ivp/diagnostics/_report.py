"""The report of a solve in words and numbers."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..domains import Euclidean
from ..evolution import Invariants
from ..problems import AbstractProblem, AbstractSecondOrderProblem
from ._findings import (
    LARGE_RESIDUAL,
    RELATIVE,
    boundary_finding,
    density_finding,
    findings,
    growth_finding,
    invariant_findings,
)

# A fit below so many times rtol does not limit u: its errors in time are larger.
LIMITING = 5
# The share of the points with half of the squared residual below which the report says where it is.
CONCENTRATED = 0.05


def step_totals(
    record: Mapping[str, np.ndarray], fits: Sequence[Mapping[str, Any]]
) -> dict[str, int]:
    """Totals over the attempted steps, and the number of restarts."""
    accepted = record["accepted"]
    return {
        "accepted_steps": int(accepted.sum()),
        "rejected_steps": int((~accepted).sum()),
        "num_linear_solves": int(record["num_linear_solves"].sum()),
        "cg_iterations": int(record["iterations"].sum()),
        "gram_products": int(record["num_products"].sum()),
        "restarts": sum(not fit.get("refused") for fit in fits[1:]),
    }


def report(
    *,
    problem: AbstractProblem,
    interval: tuple[float, float],
    record: Mapping[str, np.ndarray],
    parameters: Sequence[np.ndarray],
    fits: Sequence[Mapping[str, Any]],
    result: str,
    message: str,
    seconds: Mapping[str, float],
) -> str:
    """A page of plain text on one solve, from the fields of its `Solution`.

    `parameters` are those at the accepted steps of each segment, shape (k + 1, p).
    """
    totals = step_totals(record, fits)
    (first, last), d = interval, problem.domain.dimension
    lines = [
        f"{problem.name} in {d} dimension{'s' * (d > 1)}, "
        f"{parameters[0].shape[1]} parameters ({parameters[0].dtype})",
        f"result: {result}" + (f". {message}" if message else ""),
        f"time: {first:g} to {last:g}",
        *_of_fits(fits),
        f"steps: {totals['accepted_steps']} accepted, {totals['rejected_steps']} rejected; "
        f"{totals['num_linear_solves']} linear solves",
    ]
    if totals["accepted_steps"]:
        lines += [*_of_steps(record), *_of_invariants(problem, record), *_of_solves(record, totals)]
    density = isinstance(problem.domain, Euclidean)
    # Relative residuals of a density near its equilibrium tell nothing of its error.
    silent = {name: 0 * record[name] for name in RELATIVE} if density else {}
    # Nor do steps that go back and forth: near it coefficients follow the noise of the particles.
    second_order = isinstance(problem, AbstractSecondOrderProblem)
    steps = {**record, **silent}, [] if density else parameters
    sentences = findings(*steps, explicit_only=second_order)
    if density and totals["accepted_steps"]:
        sentences += density_finding({k: v[record["accepted"]] for k, v in record.items()})
    if totals["accepted_steps"]:
        sentences += _of_size(problem, record, fits[0].get("tolerance"))
    lines += [f"finding: {sentence}" for sentence in sentences]
    if seconds:
        spent = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
        lines.append(f"wall time: {spent}")
    return "\n".join(lines)


def _of_fits(fits: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    for k, fit in enumerate(fits):
        name = "initial fit" if k == 0 else f"refit at t = {fit['t']:g}"
        reason = f" ({fit['reason']})" if fit.get("reason") else ""
        lines.append(
            f"{name}{reason}: held-out relative L2 error {fit['relative_l2_error']:.2e} "
            f"after {fit['steps']:.0f} steps"
        )
        if fit.get("refused"):
            lines.append(
                "rejected: its error is above the tolerance of refits; nothing was changed"
            )
        elif remark := fit_remark(fit):
            lines.append(f"warning: it {remark}")
    return lines


def fit_remark(fit: Mapping[str, Any]) -> str:
    """A warning for a fit that limits the accuracy of the march; empty otherwise."""
    if fit.get("first_residual", 0.0) > LARGE_RESIDUAL:
        return (
            f"leaves {fit['first_residual']:.0%} of the first rate of change of log u on held-out "
            "particles, more than a density can be trusted with. Give the network more directions "
            "or bumps, or the method more particles"
        )
    error, tolerance = fit["relative_l2_error"], fit.get("tolerance", math.inf)
    if error <= LIMITING * tolerance:
        return ""
    return (
        f"has a held-out relative L2 error of {error:.1e}, more than {LIMITING} times the "
        f"tolerance rtol = {tolerance:.1e} of the time steps: the solution cannot be better than "
        "its start. Give the fit more steps or a wider or deeper network, or take a larger rtol; "
        "where u is far below one, give its size as `norm=L2(...)` of the problem"
    )


def _of_steps(record: Mapping[str, np.ndarray]) -> list[str]:
    accepted = record["accepted"]
    dt = (record["t1"] - record["t0"])[accepted]
    residual, held_out = (
        record[name][accepted] for name in ("projection_residual", "held_out_residual")
    )
    ranks = record["effective_rank"][accepted]
    known = not np.any(np.isnan(ranks))
    boundary = record["boundary_residual"][accepted]
    lines = [
        f"step size: {dt.min():.2e} to {dt.max():.2e}",
        f"projection residual |J v - f| / |f|: median {np.median(residual):.1e}, "
        f"largest {residual.max():.1e}; on held-out points: median {np.median(held_out):.1e}, "
        f"largest {held_out.max():.1e}",
        f"condition number of the solved system: up to {record['condition'][accepted].max():.1e}"
        + f"; effective rank {ranks.min():.0f} to {ranks.max():.0f}" * known,
    ]
    lines += _of_places(record["residual_share"][accepted], record["residual_peak"][accepted])
    if np.any(boundary > 0):
        lines.append(
            f"residual of the conditions at the boundary: {boundary[-1]:.1e} at the end, largest "
            f"{boundary.max():.1e}"
        )
    rates = (record["stiffness"] * (record["t1"] - record["t0"]))[accepted]
    if not np.all(np.isnan(rates)):
        lines.append(
            "step size times the fastest rate seen (explicit schemes are stable to 2 or 3): "
            f"median {np.nanmedian(rates):.2g}, largest {np.nanmax(rates):.2g}"
        )
    return lines


def _of_places(shares: np.ndarray, peaks: np.ndarray) -> list[str]:
    """Where the residual is, if it is on few of the points."""
    if not np.median(shares) < CONCENTRATED or peaks.shape[1] > 3:
        return []
    place = ", ".join(f"{x:.3g}" for x in np.median(peaks, axis=0))
    return [
        f"half of the squared residual is on {np.median(shares):.1%} of the held-out points, "
        f"around x = ({place}) (medians)"
    ]


def _of_solves(record: Mapping[str, np.ndarray], totals: Mapping[str, int]) -> list[str]:
    unconverged = int(record["num_unconverged"].sum())
    if not (totals["cg_iterations"] or unconverged):
        return []
    return [
        f"linear solves: {totals['cg_iterations']} iterations, {totals['gram_products']} "
        f"products with M, {int(record['rebuilds'].sum())} preconditioners built; "
        f"{unconverged} of {totals['num_linear_solves']} ended short of their "
        f"tolerance (largest relative residual {record['linear_residual'].max():.1e})"
    ]


def _of_invariants(problem: AbstractProblem, record: Mapping[str, np.ndarray]) -> list[str]:
    """How far each invariant departed from its initial value."""
    accepted = record["invariants"][record["accepted"]]
    start = np.asarray(Invariants.of(problem, accepted.dtype)(problem.initial))
    drifts = _drifts(problem, record)
    return [
        f"{name}: {last:.10g}, up to {drifts[name][0]:.1e} from the {before:.10g} at the start"
        for name, before, last in zip(problem.invariants, start, accepted[-1], strict=True)
    ]


def _of_size(
    problem: AbstractProblem, record: Mapping[str, np.ndarray], tolerance: float | None
) -> list[str]:
    """Findings on the size of u, its invariants and its boundary."""
    norms, residuals = (record[name][record["accepted"]] for name in ("norm", "boundary_residual"))
    points = jnp.asarray(problem.domain.low_discrepancy_points(1_000), float)
    initial = np.asarray(problem.norm.on_points(problem.initial, points))
    sentences = growth_finding(norms, float(np.sqrt(np.mean(np.sum(initial**2, axis=1)))))
    if tolerance:
        sentences += invariant_findings(_drifts(problem, record), tolerance)
        sentences += boundary_finding(residuals, float(np.max(norms)), tolerance)
    return sentences


def _drifts(
    problem: AbstractProblem, record: Mapping[str, np.ndarray]
) -> dict[str, tuple[float, float]]:
    """By name, how far an invariant departed from its initial value, and its size there."""
    accepted = record["invariants"][record["accepted"]]
    invariants = Invariants.of(problem, accepted.dtype)
    start, sizes = (np.asarray(f(problem.initial)) for f in (invariants, invariants.sizes))
    moved = np.max(np.abs(accepted - start), axis=0)
    return {
        name: (float(drift), float(size))
        for name, drift, size in zip(problem.invariants, moved, sizes, strict=True)
    }
