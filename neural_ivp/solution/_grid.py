"""A product grid of times and coordinates in a domain, from what a user gave."""

import difflib
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..domains import AbstractDomain
from ..errors import InputError, check_count, finite_array

# Points along each axis where nothing is given, by the dimension.
DEFAULT_COUNTS = {1: 101, 2: 65, 3: 33}
# Numbers in a grid, which is 0.8 GB in float64.
MOST_NUMBERS = 10**8


class Grid(NamedTuple):
    """Times (T,) and the coordinates (n_i,) along each axis, by their names."""

    ts: np.ndarray
    axes: dict[str, np.ndarray]

    def points(self) -> np.ndarray:
        """All points, shape (n_0 ... n_{d-1}, d), the last coordinate fastest."""
        mesh = np.meshgrid(*self.axes.values(), indexing="ij")
        return np.stack([x.ravel() for x in mesh], axis=1)

    @property
    def shape(self) -> tuple[int, ...]:
        """(T, n_0, ..., n_{d-1})."""
        return len(self.ts), *(len(x) for x in self.axes.values())


def make_grid(
    domain: AbstractDomain, components: int, ts: np.ndarray, axes: Mapping[str, Any]
) -> Grid:
    """The grid of the coordinates that `axes` gives, and of defaults along other axes.

    **Raises:** `InputError` as `Solution.on_grid`.
    """
    names = domain.axis_names
    for name in axes:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            valid = ", ".join(names[:6]) + ("" if len(names) < 7 else f", ..., {names[-1]}")
            raise InputError(f"the domain has no axis {name!r}.{hint} Valid: {valid}.")
    given = [_count_or_coordinates(domain, i, axes.get(name)) for i, name in enumerate(names)]
    counts = [entry if isinstance(entry, int) else len(entry) for entry in given]
    points = math.prod(counts)
    numbers = points * max(len(ts) * components, domain.dimension)
    if numbers > MOST_NUMBERS:
        raise InputError(
            f"a grid of {points:.3g} points, {len(ts)} times and {components} component(s) takes "
            f"{numbers * 8 / 1e9:.3g} GB, and the limit is {MOST_NUMBERS * 8 / 1e9:g} GB: give "
            "fewer points along the axes or fewer times `ts`"
        )
    ends = zip(domain.lower, domain.upper, domain.periodic, strict=True)
    coordinates = (
        np.linspace(low, high, entry, endpoint=not periodic) if isinstance(entry, int) else entry
        for entry, (low, high, periodic) in zip(given, ends, strict=True)
    )
    return Grid(ts, dict(zip(names, coordinates, strict=True)))


def _count_or_coordinates(domain: AbstractDomain, i: int, given: Any) -> int | np.ndarray:
    """What is given for axis i, or the default, after checks."""
    name, low, high = domain.axis_names[i], domain.lower[i], domain.upper[i]
    if given is None or isinstance(given, int | np.integer):
        if not (np.isfinite(low) and np.isfinite(high)):
            raise InputError(
                f"`{name}` must be an array of coordinates, as the domain has no ends: write "
                f"{name}=np.linspace(-3, 3, 101), on the command line {name}=-3:3:101"
            )
        if given is None and domain.dimension not in DEFAULT_COUNTS:
            raise InputError(
                f"`{name}` is missing: in {domain.dimension} dimensions give each axis a number of "
                f"points or an array of coordinates, {name}=[{(low + high) / 2:g}] for one alone"
            )
        count = DEFAULT_COUNTS[domain.dimension] if given is None else given
        check_count(name, count, minimum=2)
        return int(count)
    values = increasing(name, given, f"a number of points or an array, {name}=[0.5] for one alone")
    outside = (values < low) | (values > high)
    if not domain.periodic[i] and np.any(outside):
        raise InputError(
            f"`{name}` has {int(outside.sum())} of {len(values)} coordinates outside of "
            f"[{low:g}, {high:g}], the first {values[outside][0]:g}"
        )
    return values


def increasing(name: str, given: Any, form: str) -> np.ndarray:
    """The argument `name` as an increasing array of shape (n,), n > 0."""
    values = finite_array(name, given)
    if values.ndim != 1 or not len(values) or np.any(np.diff(values) <= 0):
        raise InputError(f"`{name}` must be {form}, increasing; got {given!r}")
    return values
