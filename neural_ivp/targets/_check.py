"""Checks of numbers that a user brings: arrays, the axes of a grid and the shape on it."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._errors import InputError, concrete
from ..domains import AbstractDomain

SLACK = 1e-6  # of the length of a box or period: room for numbers that were computed in float32


def as_finite(name: str, value: Any) -> np.ndarray:
    """`value` as a float64 array of finite numbers."""
    if value is None:
        raise InputError(f"`{name}` must be an array of numbers, got None")
    if np.iscomplexobj(value):
        raise InputError(f"`{name}` is complex: give real and imaginary part as two components")
    if isinstance(value, np.ma.MaskedArray):  # numpy would take what lies under the mask
        value = np.ma.filled(value.astype(float), np.nan)
    array = concrete(name, value)
    if array is None:
        raise InputError(f"`{name}` is traced: build this outside of jit, vmap and grad")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        first = tuple(int(i) for i in bad[0])
        raise InputError(
            f"`{name}` has {len(bad)} entries that are not finite (or masked), the first at "
            f"index {first}, {array[first]}: leave them out or fill them in"
        )
    return array


def check_grid(
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
    checked = [as_finite(f"axes[{i}]", axis) for i, axis in enumerate(axes)]
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
