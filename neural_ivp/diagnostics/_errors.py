"""Relative L2 errors against a reference, on points that no step has used."""

from collections.abc import Iterator
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from ..densities import DiffusionProcess
from ..domains import Euclidean
from ..errors import InputError, check_count
from ..precision import compiled
from ..problems import AbstractDensityProblem, AbstractProblem, check_function
from ..types import Reference

# At most so many particles of a density, and their steps between two saved times.
PARTICLES, PARTICLE_STEPS = 4_000, 100


@dataclass(frozen=True)
class ErrorReport:
    """Errors of u against a reference w at the saved times, as returned by `Solution.error`.

    `print` shows them as a table. |.| divides components by the scales of the problem's norm. For
    a density in all of space they are taken under the density itself: |u - w| / |w| is the root
    mean square of u / w - 1 at points of density w.

    **Arguments:**

    - `ts`: the times, shape (k,), in time units.
    - `relative_l2`: |u - w| / |w| at each time, shape (k,); NaN where w vanishes.
    - `relative_l2_by_component`: the same for each component, shape (k, c).
    - `maximum`: largest absolute pointwise error at each time, shape (k,).
    - `overall`: |u - w| / |w| over all space and saved times.

    ```python
    errors = solution.error()
    print(errors.overall, errors.relative_l2[-1])
    ```
    """

    ts: np.ndarray
    relative_l2: np.ndarray
    relative_l2_by_component: np.ndarray
    maximum: np.ndarray
    overall: float

    def __str__(self) -> str:
        rows = [
            f"  t = {t:<10.4g} {error:.2e}"
            for t, error in zip(self.ts, self.relative_l2, strict=True)
        ]
        return "\n".join(["relative L2 error", *rows, f"  overall      {self.overall:.2e}"])


def measure_errors(
    problem: AbstractProblem,
    u: Reference,
    ts: np.ndarray,
    reference: Reference | None = None,
    num_points: int = 20_000,
) -> ErrorReport:
    """Errors of `u` at the times `ts`.

    **Arguments:**

    - `problem`: its domain, its scales, and its reference where none is given.
    - `u`, `reference`: functions of (t, points of shape (n, d)) with values of shape (n, c).
    - `ts`: times, shape (k,); the first is that of the initial value.
    - `num_points`: low-discrepancy points at which they are compared.

    **Returns:** an `ErrorReport`.

    **Raises:** `InputError` if the problem has no known reference and none is given, or for one of
    another shape or with values that are not finite.
    """
    check_count("num_points", num_points)
    if reference is None:
        reference = problem.reference(float(ts[0]))
    if reference is None:
        raise InputError(
            "no exact solution is known for this problem: pass `reference`, a function of "
            "(t, points of shape (n, d)) with values of shape (n, c)"
        )
    check_function("`reference`", reference, "t, points")
    density = isinstance(problem.domain, Euclidean)
    scales = np.asarray(problem.norm.scales, float)
    misfit, size, maximum = [], [], []
    for t, points in zip(ts, _points(problem, ts, num_points), strict=True):
        value = np.asarray(u(float(t), points), dtype=float)
        target = _target(problem, reference, float(t), points, value.shape)
        if density:  # under the density itself: relative errors at its own points
            value, target = value / target, np.ones_like(target)
        misfit.append(np.sum((value - target) ** 2, axis=0))
        size.append(np.sum(target**2, axis=0))
        maximum.append(np.max(np.abs(value - target)))
    misfit, size = np.asarray(misfit) / scales**2, np.asarray(size) / scales**2
    return ErrorReport(
        ts=ts,
        relative_l2=_ratio(misfit.sum(axis=1), size.sum(axis=1)),
        relative_l2_by_component=_ratio(misfit, size),
        maximum=np.asarray(maximum),
        overall=float(_ratio(misfit.sum(), size.sum())),
    )


def _target(
    problem: AbstractProblem,
    reference: Reference,
    t: float,
    points: np.ndarray,
    shape: tuple[int, ...],
) -> np.ndarray:
    """The values of the reference, after checks."""
    target = np.asarray(reference(t, points), dtype=float)
    if target.shape != shape:
        names = ", ".join(problem.component_names)
        raise InputError(
            f"`reference` returned shape {target.shape} for points of shape {points.shape}, "
            f"expected {shape}: a column for each component ({names})"
        )
    bad = ~np.all(np.isfinite(target), axis=1)
    if bad.any():
        raise InputError(
            f"`reference` is not finite at {bad.sum()} of {len(points)} points at t = {t:g}, first "
            f"at x = {points[bad][0].tolist()}"
        )
    return target


def _points(problem: AbstractProblem, ts: np.ndarray, count: int) -> Iterator[np.ndarray]:
    """Points for each time: of a density in all of space, particles of its process."""
    if not (isinstance(problem, AbstractDensityProblem) and isinstance(problem.domain, Euclidean)):
        points = problem.domain.low_discrepancy_points(count)
        yield from (points for _ in ts)
        return
    key, process, now = jax.random.key(0), problem.process, float(ts[0])
    points = process.initial.sample(min(count, PARTICLES), key)
    for k, t in enumerate(ts):
        if t > now:
            times = jnp.asarray(now), jnp.asarray(float(t))
            points, now = _moved(process, points, *times, jax.random.fold_in(key, k)), float(t)
        yield np.asarray(points)


@compiled
def _moved(process: DiffusionProcess, points, t0, t1, key):
    return process.move(points, t0, t1, key, PARTICLE_STEPS)


def _ratio(misfit, size):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(size > 0, np.sqrt(misfit / size), np.nan)
