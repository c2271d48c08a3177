"""Interpolating splines along one axis of an array, by numpy and scipy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.interpolate import BSpline


def interpolate(axis: np.ndarray, values: np.ndarray, degree: int, period: float | None) -> BSpline:
    """The interpolating spline along the first axis of `values`, shape (n, ...)."""
    # In the functions: scipy.interpolate and what it needs take as long to import as this library.
    from scipy.interpolate import BSpline, make_interp_spline
    from scipy.sparse import csc_array
    from scipy.sparse.linalg import splu

    if period is None:
        return make_interp_spline(axis, values, k=degree)
    # Not make_interp_spline(bc_type="periodic"), which solves column by column in Python.
    n = len(axis)
    knots = np.concatenate([axis[-degree:] - period, axis, axis[: degree + 1] + period])
    matrix = BSpline.design_matrix(axis, knots, degree).tocoo()
    periodic = csc_array((matrix.data, (matrix.row, matrix.col % n)), shape=(n, n))
    coefficients = splu(periodic).solve(values.reshape(n, -1)).reshape(values.shape)
    return BSpline.construct_fast(knots, coefficients[np.arange(n + degree) % n], degree)


def spline_cells(spline: BSpline) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the cells, and the B-splines of each as polynomials of s in [0, 1], lowest first.

    **Returns:** shapes (cells + 1,) and (cells, degree + 1, degree + 1), B-splines last.
    """
    from scipy.interpolate import BSpline

    # Not the polynomials of the spline itself (`scipy.interpolate.PPoly`), which take
    # (degree + 1)^d numbers per cell in d dimensions.
    k, count = spline.k, len(spline.t) - spline.k - 1
    ends = spline.t[k : count + 1]
    widths, cells = np.diff(ends), np.arange(count - k)
    # On cell i the B-splines i, ..., i + k do not vanish. A column is the sum of those of equal
    # index modulo k + 1, so on a cell each of the k + 1 columns is one B-spline.
    columns = np.eye(k + 1)[np.arange(count) % (k + 1)]
    bases = BSpline(spline.t, columns, k, extrapolate=False)
    taylor = [
        bases(ends[:-1], nu=m) * widths[:, None] ** m / math.factorial(m) for m in range(k + 1)
    ]
    order = (cells[:, None] + np.arange(k + 1)) % (k + 1)
    return ends, np.take_along_axis(np.stack(taylor, axis=1), order[:, None, :], axis=2)
