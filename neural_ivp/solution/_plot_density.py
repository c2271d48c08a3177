"""A density in all of space as arrays and labels for its figure."""

from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from ..domains import Box
from ..types import Reference
from ._plane_marginal import plane_marginal

if TYPE_CHECKING:
    from ..plotting import FieldData

# Of the window in standard deviations, of the curves of marginals, and of those of a pair.
REACH, CURVE_POINTS, MOST_AXES = 4.5, 121, 3
PLANE_CELLS, PLANE_SAMPLES = 48, 500
# Lines of a curve in one of the few times of a figure, and of the many of an animation.
SAMPLES, FEW_SAMPLES, MANY = 4_000, 1_000, 10
# Largest correlation below which no pair of coordinates stands out.
CORRELATED = 0.1


def density_fields(
    solution: Any,
    reference: Reference | None,
    axes: tuple[int, int] | None,
    times: np.ndarray | None,
) -> "FieldData":
    """u in a window around the mass in one and two dimensions; in more, the marginal densities of
    three coordinates, in one window, and of a pair of them."""
    from .. import plotting  # here, to import matplotlib only for a figure

    d = solution.problem.domain.dimension
    low, high = _window(solution)
    usual = _correlated_pair(solution) if d > 2 else (0, 1)
    pair = usual if axes is None else axes
    window = _box(low, high, range(min(d, 2)) if d < 3 else pair)
    few = plotting.field_times(window, solution.ts)
    with_map = d == 1 and times is None and solution.dense
    times = few if times is None else times
    shared: dict[str, Any] = dict(times=times, interval=solution.interval)
    if d > 2:
        return _marginals(solution, pair, (low, high), window, shared)
    points = plotting.field_points(window, pair)
    grid = plotting.space_time_grid(window, solution.interval) if with_map else None
    return plotting.FieldData(
        **shared,
        domain=window,
        axes=pair[:d],
        points=points,
        network=_values(solution, times, points),
        reference=None if reference is None else _values(reference, times, points),
        names=solution.problem.component_names,
        space_time_values=None if grid is None else _values(solution, *grid),
    )


def _marginals(
    solution: Any,
    pair: tuple[int, int],
    corners: tuple[np.ndarray, np.ndarray],
    plane: Box,
    shared: dict[str, Any],
) -> "FieldData":
    """The densities of three coordinates, and of a pair in cells of the window `plane`."""
    from .. import plotting

    d, times = solution.problem.domain.dimension, shared["times"]
    others = [k for k in range(d) if k not in pair][: MOST_AXES - 2]
    axes = sorted([*pair, *others])
    low, high = (part[axes] for part in corners)
    x = np.linspace(low.min(), high.max(), CURVE_POINTS)
    grids = [
        plotting.cells(a, b, PLANE_CELLS) for a, b in zip(plane.lower, plane.upper, strict=True)
    ]
    count = FEW_SAMPLES if len(times) > MANY else SAMPLES
    key = jax.random.key(0)
    curves, maps = [], []
    for t in map(float, times):
        parts = [solution.marginal(t, k, x, num_samples=count, key=key).value for k in axes]
        curves.append(np.stack(parts, axis=-1))
        # Some of the particles of the curves, which the solution keeps.
        points = solution.sample(t, count, jax.random.split(key)[1])[:PLANE_SAMPLES]
        maps.append(plane_marginal(solution.network(t), points, pair, *grids))
    return plotting.FieldData(
        **shared,
        domain=Box((float(x[0]),), (float(x[-1]),)),
        axes=tuple(axes),
        points=x[:, None],
        network=np.stack(curves),
        reference=None,
        names=tuple(f"p{k}" for k in axes),
        plane=plotting.PlaneData(plane, pair, np.stack(maps)),
    )


def _moments(solution: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Mean and covariance of the normal densities in the network at all saved times."""
    parts = [solution.network(float(t)).moments() for t in solution.ts]
    return [(np.asarray(m, float), np.asarray(f, float) @ np.asarray(f, float).T) for m, f in parts]


def _window(solution: Any) -> tuple[np.ndarray, np.ndarray]:
    """Corners of a box around the frame at all saved times, each of shape (d,)."""
    corners = []
    for mean, covariance in _moments(solution):
        reach = REACH * np.sqrt(np.diag(covariance))
        corners.append((mean - reach, mean + reach))
    low, high = (np.stack(part) for part in zip(*corners, strict=True))
    return low.min(axis=0), high.max(axis=0)


def _correlated_pair(solution: Any) -> tuple[int, int]:
    """The two coordinates with the largest correlation at one of the saved times, if any is large,
    else the first two."""
    sizes = []
    for _, covariance in _moments(solution):
        spread = np.sqrt(np.diag(covariance))
        sizes.append(np.abs(np.triu(covariance / np.outer(spread, spread), 1)))
    largest = np.max(sizes, axis=0)
    i, j = np.unravel_index(np.argmax(largest), largest.shape)
    return (int(i), int(j)) if largest[i, j] > CORRELATED else (0, 1)


def _box(low: np.ndarray, high: np.ndarray, axes) -> Box:
    return Box(tuple(float(low[k]) for k in axes), tuple(float(high[k]) for k in axes))


def _values(u: Reference, times: np.ndarray, points: np.ndarray) -> np.ndarray:
    return np.stack([np.asarray(u(float(t), points), float) for t in times])
