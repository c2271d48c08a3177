"""A field from values on a grid: the tensor-product spline through them.

The spline is found once, in numpy, and evaluated in JAX one point at a time.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..domains import SLACK, AbstractDomain
from ..errors import InputError, check_kind, finite_array
from ..types import Point, Scalar, Value
from ._splines import interpolate, spline_cells


class GriddedData(eqx.Module):
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
        array = finite_array("values", values)
        grid = _check_grid(domain, array, axes)
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
            spline = interpolate(axis, np.moveaxis(coefficients, i, 0), int(degree), period)
            coefficients = np.moveaxis(spline.c, 0, i)
            ends, basis = spline_cells(spline)
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


def _check_grid(
    domain: AbstractDomain, values: np.ndarray, axes: Sequence[Any] | None
) -> list[np.ndarray]:
    """The axes of a grid on `domain` that `values` fit to, in float64."""
    d = domain.dimension
    if values.ndim not in (d, d + 1) or values.shape[d:] == (0,):
        raise InputError(
            f"`values` has shape {values.shape} on a domain of dimension {d}: give {d} axes for "
            f"one component, {d + 1} with the components last"
        )
    if axes is None:
        for i in range(d):
            _check_no_repeated_end(domain, i, np.moveaxis(values, i, 0))
        return [_uniform(domain, i, n) for i, n in enumerate(values.shape[:d])]
    if len(axes) != d or any(np.ndim(axis) != 1 for axis in axes):
        fix = "`axes=(x,)`" if d == 1 else f"a tuple of {d}"
        raise InputError(
            f"`axes` must be one 1-D array per dimension, {d} in all, got {len(axes)} of shapes "
            f"{[np.shape(axis) for axis in axes][:4]}: give {fix}"
        )
    checked = [finite_array(f"axes[{i}]", axis) for i, axis in enumerate(axes)]
    for i, axis in enumerate(checked):
        _check_increases(i, axis)
        _check_covers(domain, i, axis)
    _check_lengths(values, tuple(len(axis) for axis in checked))
    return checked


def _uniform(domain: AbstractDomain, i: int, n: int) -> np.ndarray:
    """n points from end to end, or over one period without the repeated end."""
    ends = domain.lower[i], domain.upper[i]
    return np.linspace(*ends, n, endpoint=domain.periods is None)


def _check_no_repeated_end(domain: AbstractDomain, i: int, slices: np.ndarray) -> None:
    """Without axes, values that close the period are likely one slice too many."""
    size = 1e-9 * np.max(np.abs(slices))
    closes = np.all(np.abs(slices[0] - slices[-1]) <= size)
    if domain.periods is not None and closes and np.any(np.abs(slices[0] - slices[1]) > size):
        raise InputError(
            f"`values` begins and ends with the same slice along axis {i}: leave out the last one, "
            "which repeats the first on a torus, or pass `axes` if it does not"
        )


def _check_increases(i: int, axis: np.ndarray) -> None:
    steps = np.diff(axis)
    if len(axis) > 1 and np.all(steps < 0):
        raise InputError(
            f"`axes[{i}]` decreases: give axes[{i}][::-1] and np.flip(values, axis={i})"
        )
    if np.any(steps <= 0):
        at = int(np.argmax(steps <= 0))
        raise InputError(
            f"`axes[{i}]` must increase, but entries {at} and {at + 1} are {axis[at]} and "
            f"{axis[at + 1]}: sort it, and `values` with it, without repeats"
        )


def _check_covers(domain: AbstractDomain, i: int, axis: np.ndarray) -> None:
    """Whether an axis goes from end to end of a box, or over less than a period of a torus."""
    low, high = domain.lower[i], domain.upper[i]
    slack = SLACK * (high - low)
    if len(axis) == 0:
        raise InputError(f"`axes[{i}]` is empty: give the coordinates of the grid points")
    came = f"`axes[{i}]` goes from {axis[0]} to {axis[-1]}"
    if domain.periods is None:
        if abs(axis[0] - low) > slack or abs(axis[-1] - high) > slack:
            raise InputError(
                f"{came} and the box from {low} to {high}: the first and the last point must lie "
                "on its ends; cut the data or give the box that it covers"
            )
    elif abs(axis[-1] - axis[0] - (high - low)) <= slack:
        raise InputError(
            f"{came}, one full period, so its end repeats its start: leave the last one out, of "
            f"`axes[{i}]` and of `values`"
        )
    elif axis[0] < low - slack or axis[-1] >= high:
        raise InputError(
            f"{came} and the period from {low} to {high}: all points must lie in "
            f"[{low}, {high}); shift them or give the torus another `lower`"
        )


def _check_lengths(values: np.ndarray, lengths: tuple[int, ...]) -> None:
    d, shape = len(lengths), values.shape
    if shape[:d] == lengths:
        return
    fix = 'with several axes, np.meshgrid(*axes, indexing="ij") gives the order that is meant'
    for order in itertools.permutations(range(values.ndim)):
        if tuple(shape[j] for j in order)[:d] == lengths:
            fix = (
                "the axes of `values` are in another order than `axes` (components come last): "
                f"give np.transpose(values, {order})"
            )
            break
    raise InputError(f"`values` has shape {shape}, but `axes` have lengths {lengths}: {fix}")
