"""A solution as arrays and labels for its picture."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..problems import AbstractProblem
from ..types import Reference

if TYPE_CHECKING:
    import matplotlib.figure


def plot_solution(
    *,
    problem: AbstractProblem,
    arguments: Mapping[str, Any],
    u: Reference,
    ts: np.ndarray,
    interval: tuple[float, float],
    record: Mapping[str, np.ndarray],
    restarts: Sequence[float],
    num_parameters: int,
    reference: Reference | None,
    error: Any,
    failure: str,
) -> "matplotlib.figure.Figure":
    """Network, reference and pointwise error at a few times, and how the march went.

    `u` is the solution, of (t, points (n, d)), `arguments` those of the problem as `describe` gives
    them, and `error` an `ErrorReport` or None; the others are what the fields of a `Solution` hold.
    """
    from .. import plotting  # matplotlib is imported only when a picture is wanted

    domain = problem.domain
    times, points = plotting.field_times(domain, ts), plotting.field_points(domain)
    grid = plotting.history_grid(domain, interval) if domain.dimension == 1 else None
    fields = plotting.FieldData(
        domain=domain,
        times=times,
        points=points,
        network=_values(u, times, points),
        reference=None if reference is None else _values(reference, times, points),
        interval=interval,
        history=None if grid is None else _values(u, *grid),
    )
    errors, title = None, f"{type(problem).__name__} in {domain.dimension} dimension"
    title += "s" if domain.dimension > 1 else ""
    facts = [*_coefficients(arguments), plotting.size_words(num_parameters)]
    if error is None:
        facts.append("no reference is known for this problem")
    else:
        errors = plotting.ErrorData(error.ts, error.relative_l2, error.components)
        overall = plotting.scientific(error.overall)
        facts.append(f"relative $L^2$ error {overall} over all saved times")
    if failure:
        title += f", ended early at $t$ = {interval[1]:.4g}"
    march = plotting.MarchData(record, restarts, interval, errors)
    return plotting.solution_figure(title, facts, fields, march, failure)


def _values(u: Reference, times: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Of a function of (t, points), shape (k, n, c)."""
    return np.stack([np.asarray(u(float(t), points), float) for t in times])


def _coefficients(arguments: Mapping[str, Any]) -> list[str]:
    """The physical coefficients of a problem of the catalogue, in words."""
    table = {name: _number(value) for name, value in arguments.items()}
    return [
        f"{name.replace('_', ' ')} {value}"
        for name, value in table.items()
        if value is not None and name != "dimension"
    ]


def _number(value: Any) -> str | None:
    """A number, or up to four of them, in print; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return f"{value:.3g}"
    if isinstance(value, list) and 0 < len(value) <= 4:
        parts = [_number(part) for part in value]
        if None not in parts:
            return f"({', '.join(part for part in parts if part)})"
    return None
