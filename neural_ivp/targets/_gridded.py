"""A field from values on a grid: the tensor-product spline through them.

The spline is found once, in numpy, and evaluated in JAX one point at a time.
"""

import math
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from scipy.interpolate import BSpline, make_interp_spline
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu

from .._errors import InputError, check_kind
from .._types import Point, Scalar, Value
from ..domains import AbstractDomain
from ._check import as_finite, check_grid


class Gridded(eqx.Module):
    """u(x) = sum_j C_j prod_i B_{i,j_i}(x_i) with u(grid point) = value, for splines B of a degree.

    On a `Torus` the splines are periodic; on a `Box` their ends are "not a knot". A field of
    one point: x of shape (d,) to a value of shape (c,), in the dtype of x, as often
    differentiable as the spline (`degree` - 1 times continuously). On a box it is meant for
    points inside; outside, the polynomials of the end cells go on.

    **Arguments:**

    - `domain`: a `Box` or a `Torus`.
    - `values`: shape (n_1, ..., n_d) for one component, or (n_1, ..., n_d, c).
    - `axes`: d increasing arrays of grid coordinates, of any spacing. On a box each begins and
      ends with the box; on a torus each lies within one period, without the repeated end. If
      None, n_i evenly spaced points: with both ends of a box; from `lower`, and again without
      the repeated end, on a torus.
    - `degree`: 1, 3 or 5. The error for a smooth field is O(h^(degree + 1)), for each
      derivative one order less. Good values: 3; 5 if a PDE takes third or fourth derivatives.

    **Raises:** `InputError` for values or axes that are not finite, axes that do not increase,
    cover the domain or fit to the shape of `values`, fewer than `degree` + 1 points along one,
    or another degree.

    **Source:** C. de Boor, A Practical Guide to Splines (2001), chapters IX, XIII and XVII.
    """

    domain: AbstractDomain
    coefficients: Array  # (n_1', ..., n_d', c) of the B-splines
    breaks: tuple[Array, ...]  # ends of the cells, per axis
    bases: tuple[Array, ...]  # (cells, power, B-spline): B-splines on a cell as polynomials
    degree: int = eqx.field(static=True)

    def __init__(
        self,
        domain: AbstractDomain,
        values: Any,
        axes: Sequence[Any] | None = None,
        *,
        degree: int = 3,
    ):
        if not isinstance(degree, int | np.integer) or degree not in (1, 3, 5) or degree is True:
            raise InputError(f"`degree` must be 1, 3 or 5, got {degree!r}")
        check_kind("domain", domain, AbstractDomain)
        array = as_finite("values", values)
        grid = check_grid(domain, array, axes)
        for i, axis in enumerate(grid):
            if len(axis) < degree + 1:
                raise InputError(
                    f"`values` has {len(axis)} points along axis {i}, and degree {degree} needs "
                    f"{degree + 1}: give more or a lower `degree`"
                )
        coefficients = array if array.ndim > domain.dimension else array[..., None]
        breaks, bases = [], []
        for i, axis in enumerate(grid):
            period = None if domain.periods is None else domain.periods[i]
            spline = _interpolate(axis, np.moveaxis(coefficients, i, 0), int(degree), period)
            coefficients = np.moveaxis(spline.c, 0, i)
            ends, basis = _cells(spline)
            breaks.append(ends)
            bases.append(basis)
        dtype = jnp.result_type(float)
        self.domain, self.degree = domain, int(degree)
        self.coefficients = jnp.asarray(coefficients, dtype)
        self.breaks = tuple(jnp.asarray(ends, dtype) for ends in breaks)
        self.bases = tuple(jnp.asarray(basis, dtype) for basis in bases)

    @property
    def components(self) -> int:
        return self.coefficients.shape[-1]

    def __call__(self, x: Point) -> Value:
        d, x = self.domain.dimension, jnp.asarray(x)
        if x.shape != (d,):
            raise InputError(f"a point has shape {x.shape}, expected ({d},): vmap over points")
        # Whole numbers have no dtype that a value of the field could follow.
        x = x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(jnp.result_type(float))
        cells, weights = zip(*(self._axis(i, x[i]) for i in range(d)), strict=True)
        # Gathered before the cast, so that only one cell is cast and not the whole grid.
        sizes = (self.degree + 1,) * d + (self.components,)
        start = (*cells, jnp.zeros_like(cells[0]))  # of one integer type under vmap
        block = jax.lax.dynamic_slice(self.coefficients, start, sizes).astype(x.dtype)
        # Not a tensordot: accelerators round the factors of products of float32 matrices.
        for weight in weights:
            block = jnp.sum(jnp.reshape(weight, (-1,) + (1,) * (block.ndim - 1)) * block, axis=0)
        return block

    def _axis(self, i: int, x: Scalar) -> tuple[Array, Array]:
        """The cell of a coordinate and the B-splines of that cell there, shape (degree + 1,)."""
        ends = self.breaks[i].astype(x.dtype)
        if self.domain.periods is not None:
            period = self.domain.periods[i]
            x = x - period * jnp.floor((x - ends[0]) / period)
        # Only the choice of a polynomial: beyond the ends it is the last one, not a clipped x.
        found = jnp.searchsorted(ends, jax.lax.stop_gradient(x), side="right") - 1
        cell = jnp.clip(found, 0, len(ends) - 2)
        s = (x - ends[cell]) / (ends[cell + 1] - ends[cell])
        powers = self.bases[i][cell].astype(x.dtype)
        value = powers[-1]
        for power in powers[-2::-1]:
            value = value * s + power
        return cell, value


def _interpolate(
    axis: np.ndarray, values: np.ndarray, degree: int, period: float | None
) -> BSpline:
    """The spline along the first axis of `values`, through all the others at once."""
    if period is None:
        return make_interp_spline(axis, values, k=degree)
    # The spline of make_interp_spline(bc_type="periodic"), which solves for one column after
    # another in Python.
    n = len(axis)
    knots = np.concatenate([axis[-degree:] - period, axis, axis[: degree + 1] + period])
    matrix = BSpline.design_matrix(axis, knots, degree).tocoo()
    circle = csc_array((matrix.data, (matrix.row, matrix.col % n)), shape=(n, n))
    found = splu(circle).solve(values.reshape(n, -1)).reshape(values.shape)
    return BSpline.construct_fast(knots, found[np.arange(n + degree) % n], degree)


def _cells(spline: BSpline) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the cells, and on each the B-splines as polynomials of s in [0, 1].

    Returns shapes (cells + 1,) and (cells, degree + 1, degree + 1), B-splines last. Not the
    polynomials of the spline itself (`scipy.interpolate.PPoly`): these are (degree + 1)^d
    numbers per cell, 64 times the data in three dimensions, for the same sums.
    """
    k, count = spline.k, len(spline.t) - spline.k - 1
    ends = spline.t[k : count + 1]
    widths, cells = np.diff(ends), np.arange(count - k)
    # On cell i the B-splines i, ..., i + k do not vanish. One column adds up those of equal
    # index modulo k + 1, so that each cell sees one B-spline in each of k + 1 columns.
    columns = np.eye(k + 1)[np.arange(count) % (k + 1)]
    every = BSpline(spline.t, columns, k, extrapolate=False)
    taylor = [
        every(ends[:-1], nu=m) * widths[:, None] ** m / math.factorial(m) for m in range(k + 1)
    ]
    order = (cells[:, None] + np.arange(k + 1)) % (k + 1)
    return ends, np.take_along_axis(np.stack(taylor, axis=1), order[:, None, :], axis=2)
