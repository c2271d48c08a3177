"""Relative L2 errors against a reference, on points that no step has used."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..problems import AbstractProblem
from ..types import Reference


@dataclass(frozen=True)
class ErrorReport:
    """Errors of u against a reference w at the saved times, as returned by `Solution.error`.

    `print` shows them as a table. |.| divides components by the scales of the problem's norm.

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

    **Raises:** `InputError` if the problem has no known reference and none is given.
    """
    if reference is None:
        reference = problem.reference(float(ts[0]))
    if reference is None:
        raise InputError(
            "no exact solution is known for this problem: pass `reference`, a function of "
            "(t, points of shape (n, d)) with values of shape (n, c)"
        )
    points = problem.domain.low_discrepancy_points(num_points)
    scales = np.asarray(problem.norm.scales, float)
    misfit, size, maximum = [], [], []
    for t in ts:
        target = np.asarray(reference(float(t), points), dtype=float)
        value = np.asarray(u(float(t), points), dtype=float)
        if target.shape != value.shape:
            raise InputError(
                f"`reference` returned shape {target.shape} for points of shape {points.shape}, "
                f"expected {value.shape}"
            )
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


def _ratio(misfit, size):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(size > 0, np.sqrt(misfit / size), np.nan)
