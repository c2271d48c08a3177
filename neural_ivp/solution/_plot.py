"""A solution as arrays and labels for its figure."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from ..domains import AbstractDomain, Euclidean
from ..types import Reference
from ._plot_density import density_fields

if TYPE_CHECKING:
    import matplotlib.figure

    from ..plotting import FieldData


def plot_solution(
    solution: Any,
    arguments: Mapping[str, Any],
    reference: Reference | None,
) -> "matplotlib.figure.Figure":
    """The figure of a `Solution`; `arguments` is the problem as a table of `describe`."""
    from .. import plotting  # here, to import matplotlib only for a figure

    problem, domain, interval = solution.problem, solution.problem.domain, solution.interval
    unbounded = isinstance(domain, Euclidean)
    fields = (density_fields if unbounded else _fields)(solution, reference)
    errors, title = None, f"{problem.name} in {domain.dimension} dimension"
    title += "s" if domain.dimension > 1 else ""
    num_parameters = solution.segments[0].theta.shape[1]
    subtitle_parts = [*_coefficients(arguments), plotting.parameter_count_label(num_parameters)]
    if reference is None:
        subtitle_parts.append("no reference is known for this problem")
    else:
        error = solution.error(reference)
        errors = plotting.ErrorData(
            error.ts, error.relative_l2, error.relative_l2_by_component, problem.component_names
        )
        overall = plotting.scientific(error.overall)
        subtitle_parts.append(f"relative $L^2$ error {overall} over all saved times")
    failure = ""
    if solution.result != "successful":
        failure = f"{solution.result}: {solution.message}"
        title += f", ended early at $t$ = {interval[1]:.4g}"
    restarts = [fit["t"] for fit in solution.fits[1:]]
    march = plotting.MarchData(solution.record, restarts, interval, errors)
    return plotting.solution_figure(title, subtitle_parts, fields, march, failure)


def _fields(solution: Any, reference: Reference | None) -> "FieldData":
    from .. import plotting

    domain = solution.problem.domain
    times, points = plotting.field_times(domain, solution.ts), plotting.field_points(domain)
    whole = domain.dimension == 1 and solution.dense
    grid = plotting.space_time_grid(domain, solution.interval) if whole else None
    return plotting.FieldData(
        domain=domain,
        times=times,
        points=points,
        network=_values(solution, domain, times, points),
        reference=None if reference is None else _values(reference, domain, times, points),
        interval=solution.interval,
        names=solution.problem.component_names,
        space_time_values=None if grid is None else _values(solution, domain, *grid),
    )


def _values(
    u: Reference, domain: AbstractDomain, times: np.ndarray, points: np.ndarray
) -> np.ndarray:
    """Values of a function of (t, points), shape (k, n, c); NaN outside of the domain."""
    inside = np.full(len(points), True)
    if domain.fraction < 1:
        inside = np.asarray(jax.vmap(domain.contains)(jnp.asarray(points, float)))
    values = np.stack([np.asarray(u(float(t), points[inside]), float) for t in times])
    if np.all(inside):
        return values
    everywhere = np.full((len(times), len(points), *values.shape[2:]), np.nan)
    everywhere[:, inside] = values
    return everywhere


def _coefficients(arguments: Mapping[str, Any]) -> list[str]:
    """The physical coefficients of a problem of the catalogue, in words."""
    return [
        f"{name.replace('_', ' ')} {number}"
        for name, value in arguments.items()
        if name != "dimension" and (number := _number(value)) is not None
    ]


def _number(value: Any) -> str | None:
    """A number, or up to four of them, as text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return f"{value:.3g}"
    if isinstance(value, list) and 0 < len(value) <= 4:
        parts = [_number(part) for part in value]
        if None not in parts:
            return f"({', '.join(part for part in parts if part)})"
    return None
