"""A field from values on a grid: the tensor-product spline through them.

The coefficients are computed once, by scipy; JAX evaluates the spline at one point at a time.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Shaped

from ..domains import SLACK, AbstractDomain
from ..errors import InputError, check_kind, finite_array
from ..types import Scalar, Value
from ._splines import interpolate, spline_cells


class GriddedData(eqx.Module):
    """The field u(x) = sum_j C_j prod_i B_{i,j_i}(x_i) of B-splines through values on a grid.

    The splines are periodic along a periodic axis, and have "not a knot" ends along an interval,
    outside of which the polynomials of the end cells extrapolate. u has `degree` - 1 continuous
    derivatives.

    **Arguments:**

    - `domain`: a `Box`, a `Torus` or a `ProductDomain`; of another one its bounding box.
    - `values`: shape (n_1, ..., n_d) for one component, or (n_1, ..., n_d, c).
    - `axes`: d increasing arrays of grid coordinates, shapes (n_i,), of any spacing; evenly spaced
      from `lower` if not given. On a box each includes both ends; on a torus each lies within one
      period, without the repeated end.
    - `degree`: 1, 3 or 5. The error for a smooth field is O(h^(degree + 1)), for each
      derivative one order less. Good values: 3; 5 if a PDE takes third or fourth derivatives.

    **Returns:** called with a point of shape (d,), the value of shape (c,) in the point's dtype.

    **Raises:** `InputError` for numbers that are not finite, unsuitable axes or another degree.

    Source: C. de Boor, A Practical Guide to Splines (2001), chapters IX, XIII and XVII.

    ```python
    field = nivp.GriddedData(nivp.Torus((1.0,)), jnp.sin(2 * jnp.pi * jnp.arange(32) / 32))
    nivp.partial(field, 0)(jnp.zeros(1))  # nearly [2 pi]
    ```
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
        coefficients = array if array.ndim > domain.dimension else array[..., None]
        cells = []
        for i, axis in enumerate(_check_grid(domain, array, axes)):
            if len(axis) < degree + 1:
                raise InputError(
                    f"`values` has {len(axis)} points along axis {i}, and degree {degree} needs "
                    f"{degree + 1}: give more or a lower `degree`"
                )
            period = domain.upper[i] - domain.lower[i] if domain.periodic[i] else None
            spline = interpolate(axis, np.moveaxis(coefficients, i, 0), int(degree), period)
            coefficients = np.moveaxis(spline.c, 0, i)
            cells.append(spline_cells(spline))
        dtype = jnp.result_type(float)
        self.domain, self.degree = domain, int(degree)
        self.coefficients = jnp.asarray(coefficients, dtype)
        cells = jax.tree.map(lambda a: jnp.asarray(a, dtype), cells)
        self.breaks, self.bases = zip(*cells, strict=True)

    @property
    def components(self) -> int:
        return self.coefficients.shape[-1]

    def __call__(self, x: Shaped[Array, " d"]) -> Value:
        d, x = self.domain.dimension, jnp.asarray(x)
        if x.shape != (d,):
            raise InputError(f"a point has shape {x.shape}, expected ({d},): vmap over points")
        # The value takes the dtype of x, which must be a floating one.
        x = x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(jnp.result_type(float))
        cells, weights = zip(*(self._basis(i, x[i]) for i in range(d)), strict=True)
        # Sliced before the cast, so that one cell is cast and not the whole grid.
        sizes = (self.degree + 1,) * d + (self.components,)
        start = (*cells, jnp.zeros_like(cells[0]))  # of one integer type under vmap
        block = jax.lax.dynamic_slice(self.coefficients, start, sizes).astype(x.dtype)
        # Not a tensordot: accelerators round the factors of products of float32 matrices.
        for weight in weights:
            block = jnp.sum(jnp.reshape(weight, (-1,) + (1,) * (block.ndim - 1)) * block, axis=0)
        return block

    def _basis(self, i: int, x: Scalar) -> tuple[Array, Array]:
        """The cell of coordinate x on axis i; its B-splines at x, shape (degree + 1,)."""
        ends = self.breaks[i].astype(x.dtype)
        if self.domain.periodic[i]:
            period = self.domain.upper[i] - self.domain.lower[i]
            x = x - period * jnp.floor((x - ends[0]) / period)
        # The cell is clipped, not x: beyond the ends the last polynomial extrapolates.
        cell = jnp.searchsorted(ends, jax.lax.stop_gradient(x), side="right") - 1
        cell = jnp.clip(cell, 0, len(ends) - 2)
        s = (x - ends[cell]) / (ends[cell + 1] - ends[cell])
        powers = self.bases[i][cell].astype(x.dtype)
        value = powers[-1]
        for power in powers[-2::-1]:
            value = value * s + power
        return cell, value


def _check_grid(
    domain: AbstractDomain, values: np.ndarray, axes: Sequence[Any] | None
) -> list[np.ndarray]:
    """The axes of the grid on `domain`, checked against the shape of `values`, in float64."""
    d = domain.dimension
    if values.ndim not in (d, d + 1) or values.shape[d:] == (0,):
        raise InputError(
            f"`values` has shape {values.shape} on a domain of dimension {d}: give {d} axes for "
            f"one component, {d + 1} with the components last"
        )
    if axes is None:
        for i in range(d):
            _check_no_repeated_end(domain, i, np.moveaxis(values, i, 0))
        # A period leaves out the repeated end.
        ends = zip(domain.lower, domain.upper, values.shape[:d], domain.periodic, strict=True)
        return [np.linspace(low, high, n, endpoint=not per) for low, high, n, per in ends]
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


def _check_no_repeated_end(domain: AbstractDomain, i: int, slices: np.ndarray) -> None:
    """Raise where values without axes repeat the first slice at the end of a period."""
    size = 1e-9 * np.max(np.abs(slices))
    closes = np.all(np.abs(slices[0] - slices[-1]) <= size)
    if domain.periodic[i] and closes and np.any(np.abs(slices[0] - slices[1]) > size):
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
    """Raise unless an axis includes both ends of a box, or lies within a period of a torus."""
    low, high = domain.lower[i], domain.upper[i]
    slack = SLACK * (high - low)
    if len(axis) == 0:
        raise InputError(f"`axes[{i}]` is empty: give the coordinates of the grid points")
    extent = f"`axes[{i}]` goes from {axis[0]} to {axis[-1]}"
    if not domain.periodic[i]:
        if abs(axis[0] - low) > slack or abs(axis[-1] - high) > slack:
            raise InputError(
                f"{extent} and the box from {low} to {high}: the first and the last point must lie "
                "on its ends; cut the data or give the box that it covers"
            )
    elif abs(axis[-1] - axis[0] - (high - low)) <= slack:
        raise InputError(
            f"{extent}, one full period, so its end repeats its start: leave the last one out, of "
            f"`axes[{i}]` and of `values`"
        )
    elif axis[0] < low - slack or axis[-1] >= high:
        raise InputError(
            f"{extent} and the period from {low} to {high}: all points must lie in "
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
