"""Findings: signs of trouble in the record of a solve, with what to change."""

from collections.abc import Mapping, Sequence

import numpy as np

# A residual above it, at any step, is an error of that size in u_t.
LARGE_RESIDUAL = 0.1
MIN_STEPS = 12  # for medians
LARGE_LOG_ERROR = 0.5
# Quantities relative to L[u], and the share of the fastest relative rate of change of a solve below
# which they tell nothing.
RELATIVE = ("projection_residual", "held_out_residual")
STILL = 0.01
# Of the fastest rate of change of a solve, below which the residual relative to it is of no weight.
GONE = 1e-3
LARGE_GROWTH = 100.0
# The smallest stability interval on the negative real axis of the usual explicit schemes: Heun 2,
# Bosh3 2.5, Dopri5 and Tsit5 3.3.
STABILITY_LIMIT = 2.0


def findings(
    record: Mapping[str, np.ndarray],
    parameters: Sequence[np.ndarray],
    *,
    explicit_only: bool = False,
) -> list[str]:
    """One sentence for each sign of trouble in a solve.

    **Arguments:**

    - `record`: arrays with one entry for each attempted step, by the names of `StepRecord`.
    - `parameters`: at the accepted steps of each segment between restarts, shape (k + 1, p).
    - `explicit_only`: whether the problem takes no implicit scheme, so that none is advised.
    """
    accepted = {name: values[record["accepted"]] for name, values in record.items()}
    accepted |= {name: _where_u_changes(accepted, name) for name in RELATIVE}
    if len(accepted["t0"]) < MIN_STEPS:
        return [sentence for sentence in [_large_residual(accepted)] if sentence]
    sentences = [
        _large_residual(accepted),
        _stability(accepted, explicit_only),
        _rejections(record),
        _iterations(accepted),
        _unconverged(record),
        _plateau(accepted),
        _growing(accepted),
        _too_few_points(accepted),
        _oscillation(parameters, explicit_only),
    ]
    return [sentence for sentence in sentences if sentence]


def _where_u_changes(accepted: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """A residual relative to L[u]; 0 where u hardly changes, so that it is of no weight."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = accepted["rhs_norm"] / accepted["norm"]
    # Not at a start from zero, where any rate is fast.
    large = accepted["norm"] > STILL * np.max(accepted["norm"], initial=0.0)
    still = rates < STILL * np.max(rates[large], initial=0.0)
    # Nor after waves have left the domain.
    still |= accepted["rhs_norm"] < GONE * np.max(accepted["rhs_norm"], initial=0.0)
    return np.where(still, 0.0, accepted[name])


def _ends(values: np.ndarray) -> tuple[float, float]:
    """Medians of the first and of the last quarter."""
    quarter = max(len(values) // 4, 1)
    return float(np.median(values[:quarter])), float(np.median(values[-quarter:]))


def _stability(accepted: Mapping[str, np.ndarray], explicit_only: bool) -> str:
    steps = (accepted["t1"] - accepted["t0"]) * accepted["stiffness"]
    if np.all(np.isnan(steps)) or not np.nanmedian(steps) > STABILITY_LIMIT:
        return ""
    implicit = (
        "`AdaptiveStep(SDIRK4())` with a solver of all parameters, `RidgeDual` or `RidgeCholesky`"
    )
    return (
        f"stiff: step size times the fastest rate is {np.nanmedian(steps):.1f} (median), at the "
        "edge of stability of an explicit scheme. Try "
        f"{'a larger damping' if explicit_only else implicit}"
    )


def _rejections(record: Mapping[str, np.ndarray]) -> str:
    share = float(np.mean(~record["accepted"]))
    if share < 0.3:
        return ""
    return (
        f"rejected steps: {share:.0%} of the attempts. The error of a step is noisy: try more "
        "points, a larger damping, or a larger rtol"
    )


def _iterations(accepted: Mapping[str, np.ndarray]) -> str:
    first, last = _ends(accepted["iterations"])
    if not last > 2 * max(first, 1):
        return ""
    return (
        f"conditioning: linear iterations in a step grew from {first:.0f} to {last:.0f}. Try a "
        "restart rule, `RestartOnIterations`, or a preconditioner of larger rank"
    )


def _unconverged(record: Mapping[str, np.ndarray]) -> str:
    unconverged, total = record["num_unconverged"].sum(), record["num_linear_solves"].sum()
    if not unconverged > 0.1 * total:
        return ""
    return (
        f"linear solves: {unconverged / total:.0%} ended short of their tolerance, or the subspace "
        "had too small a rank. Try a larger damping or rtol of the velocity solver, more landmarks "
        "and a larger rank (`LandmarkSubspace`), or an exact solver (`AutoVelocitySolver` chooses)"
    )


def _plateau(accepted: Mapping[str, np.ndarray]) -> str:
    residual = float(np.median(accepted["projection_residual"]))
    if not residual > 0.05:
        return ""
    return (
        f"residual: the network cannot follow {residual:.0%} of L[u] (median). Try a wider or "
        "deeper network, a smaller damping, or more points if it is much larger on held-out points"
    )


def _large_residual(accepted: Mapping[str, np.ndarray]) -> str:
    residual = np.fmax(accepted["projection_residual"], accepted["held_out_residual"])
    if not np.any(residual > LARGE_RESIDUAL):
        return ""
    worst = int(np.nanargmax(residual))
    return (
        f"residual: at t = {accepted['t0'][worst]:.4g} the network could not follow "
        f"{residual[worst]:.0%} of L[u], and u is wrong by what was not followed. Try a wider or "
        "deeper network, a smaller damping, or more points"
    )


def invariant_findings(drifts: Mapping[str, tuple[float, float]], tolerance: float) -> list[str]:
    """A sentence for each invariant that moved by more than ten tolerances.

    **Arguments:**

    - `drifts`: by name, how far the invariant moved and its size, both of the same units.
    - `tolerance`: relative, of the time steps.
    """
    return [
        f"{name}: the equation conserves it, and it moved by {drift:.1e} at a size of {size:.1e}, "
        f"more than ten times the tolerance {tolerance:.1e} of the steps. Try "
        f"`NeuralIVP(conserve=({name!r},))`, or look whether u has the boundary values it should"
        for name, (drift, size) in drifts.items()
        if drift > 10 * tolerance * size
    ]


def boundary_finding(residuals: np.ndarray, size: float, tolerance: float) -> list[str]:
    """A sentence if conditions that the steps impose are violated at the end by more than ten
    tolerances.

    **Arguments:**

    - `residuals`: of the conditions at the boundary after each accepted step, shape (k,).
    - `size`: of u in the same units.
    - `tolerance`: relative, of the time steps.
    """
    last = float(residuals[-1])
    if not last > 10 * tolerance * size:
        return []
    earlier = float(np.min(residuals))
    growth = f", and grew from {earlier:.1e}" if 0 < 5 * earlier < last else ""
    return [
        f"boundary: a condition is violated by {last:.1e} at a size of u of {size:.1e}, more than "
        f"ten times the tolerance {tolerance:.1e} of the steps{growth}. Try a smaller rtol, a "
        "wider or deeper network, or more points"
    ]


def density_finding(record: Mapping[str, np.ndarray]) -> list[str]:
    """A sentence if log u may be wrong by more than `LARGE_LOG_ERROR`: the time integral of its
    residual on held-out points, which are accepted steps of `record`."""
    dt, rates = record["t1"] - record["t0"], record["held_out_residual"] * record["rhs_norm"]
    total = float(np.sum(rates * dt))
    if not total > LARGE_LOG_ERROR:
        return []
    return [
        f"residual: what the network did not follow adds up to {total:.1g} in log u. Try more "
        "directions or bumps (`default_network(problem, num_directions=..., key=...)`), or more "
        "particles"
    ]


def growth_finding(norms: np.ndarray, start: float) -> list[str]:
    """A sentence if u grew by two orders of magnitude from its size `start`, unless that is 0."""
    largest = float(np.max(norms))
    if not (start > 0 and largest > LARGE_GROWTH * start):
        return []
    return [
        f"growth: the size of u went from {start:.1e} to {largest:.1e}. If the equation does not "
        "do that, look for a sign, a missing condition at the boundary, or an explicit scheme with "
        "too large a constant step"
    ]


def _growing(accepted: Mapping[str, np.ndarray]) -> str:
    relative = accepted["held_out_residual"]
    first, last = _ends(relative)
    # Where u comes to rest, what is not followed grows relative to L[u] alone.
    before, after = _ends(relative * accepted["rhs_norm"])
    if not (last > 5 * first > 0 and after > 5 * before):
        return ""
    return (
        f"residual: on held-out points it grew from {first:.1e} to {last:.1e}. Try "
        "`RestartOnResidual`, or a wider network"
    )


def _too_few_points(accepted: Mapping[str, np.ndarray]) -> str:
    used, held_out = (
        float(np.median(accepted[name])) for name in ("projection_residual", "held_out_residual")
    )
    if not (held_out > 5 * used and held_out > 1e-3):
        return ""
    return (
        f"points: the residual is {held_out:.1e} on held-out points and {used:.1e} on those of "
        "the step (medians). Try more points, or a larger damping"
    )


def _oscillation(parameters: Sequence[np.ndarray], explicit_only: bool) -> str:
    """Successive changes of the parameters with a negative cosine."""
    cosines = []
    for theta in parameters:
        changes = np.diff(theta.astype(float), axis=0)
        sizes = np.linalg.norm(changes, axis=1)
        inner = np.sum(changes[1:] * changes[:-1], axis=1)
        cosines.extend(inner / np.maximum(sizes[1:] * sizes[:-1], 1e-300))
    if len(cosines) < MIN_STEPS or not np.median(cosines) < -0.2:
        return ""
    return (
        "oscillation: successive steps move the parameters back and forth (median cosine "
        f"{np.median(cosines):.2f}). Try a larger damping"
        f"{'' if explicit_only else ', or an implicit scheme'}"
    )
