"""A solution as arrays and labels for its figure."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from ..domains import AbstractDomain, Euclidean
from ..types import Reference
from ._plot_density import density_fields
from ._slice import check_axes, slice_position

if TYPE_CHECKING:
    import matplotlib.figure

    from ..plotting import FieldData


def plot_solution(
    solution: Any, reference: Reference | None, axes: tuple[int, int] | None
) -> "matplotlib.figure.Figure":
    """The figure of a `Solution`."""
    from .. import plotting  # here, to import matplotlib only for a figure

    problem, interval = solution.problem, solution.interval
    fields = solution_fields(solution, reference, axes)
    errors, title = None, title_of(solution)
    num_parameters = solution.segments[0].theta.shape[1]
    subtitle_parts = _coefficients(solution.description)
    subtitle_parts.append(plotting.parameter_count_label(num_parameters))
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


def title_of(solution: Any) -> str:
    """The name of the problem and its dimension."""
    from .. import plotting

    d = solution.problem.domain.dimension
    return f"{plotting.plain(solution.problem.name)} in {d} dimension{'s' if d > 1 else ''}"


def solution_fields(
    solution: Any,
    reference: Reference | None,
    axes: tuple[int, int] | None,
    times: np.ndarray | None = None,
) -> "FieldData":
    """What the pictures of a solution show, at a few of the saved times or at given ones."""
    from .. import plotting

    domain = solution.problem.domain
    d, axes = domain.dimension, check_axes(axes, domain.dimension)
    if isinstance(domain, Euclidean):
        return density_fields(solution, reference, axes, times)
    few = plotting.field_times(domain, solution.ts)
    position = None
    if d > 2:  # of the few times, so that all pictures of a solution show one plane
        position = slice_position(lambda x: _values(solution, domain, few, x)[..., 0], domain)
    axes = (0, 1) if axes is None else axes
    points = plotting.field_points(domain, axes, position)
    with_map = d == 1 and times is None and solution.dense
    grid = plotting.space_time_grid(domain, solution.interval) if with_map else None
    times = few if times is None else times
    return plotting.FieldData(
        domain=domain,
        times=times,
        points=points,
        network=_values(solution, domain, times, points),
        reference=None if reference is None else _values(reference, domain, times, points),
        interval=solution.interval,
        names=solution.problem.component_names,
        axes=axes[:d],
        position=position,
        space_time_values=None if grid is None else _values(solution, domain, *grid),
    )


def _values(
    u: Reference, domain: AbstractDomain, times: np.ndarray, points: np.ndarray
) -> np.ndarray:
    """Values of a function of (t, points), shape (k, n, c); NaN outside of the domain."""
    inside = np.full(len(points), True)
    if domain.fraction < 1:
        inside = np.asarray(jax.vmap(domain.contains)(jnp.asarray(points, float)))
        # Elsewhere any point inside, since another number of points would compile anew.
        points = np.where(inside[:, None], points, points[np.argmax(inside)])
    values = np.stack([np.asarray(u(float(t), points), float) for t in times])
    return np.where(inside[:, None], values, np.nan) if values.ndim == 3 else values


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
