"""Domains: products of intervals, all with ends (`Box`) or all periodic (`Torus`)."""

import abc
import math
from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..errors import InputError, check_positive
from ..types import Point, Points

# Tolerance at the ends of an axis, relative to its length: coordinates may come from float32.
SLACK = 1e-6


class AbstractDomain(eqx.Module):
    """The region of space of a problem, between the corners `lower` and `upper`.

    Both are static tuples of floats: a domain is hashable, and functions recompile for a new one.
    """

    lower: eqx.AbstractVar[tuple[float, ...]]
    upper: eqx.AbstractVar[tuple[float, ...]]
    # Length of the period in each dimension; None for a domain with a boundary.
    periods: eqx.AbstractVar[tuple[float, ...] | None]

    @abc.abstractmethod
    def contains(self, x: Point) -> Array:
        """Whether a point lies in the domain."""

    @abc.abstractmethod
    def wrap(self, x: Point) -> Point:
        """The image of a point in the period that starts at `lower`; x itself on a box."""

    @abc.abstractmethod
    def deviations_from_mean(self, points: Points) -> Points:
        """Shortest displacements of points of shape (n, d) from their mean, circular on a torus."""

    @property
    def dimension(self) -> int:
        return len(self.lower)

    @property
    def volume(self) -> float:
        return math.prod(b - a for a, b in zip(self.lower, self.upper, strict=True))

    def to_reference(self, x: Point) -> Point:
        """The image of a point under the affine map of the domain onto [-1, 1]^d."""
        if x.shape != (self.dimension,):
            raise InputError(f"a point has shape {x.shape}, expected ({self.dimension},)")
        low, high = jnp.asarray(self.lower, x.dtype), jnp.asarray(self.upper, x.dtype)
        return (2 * x - low - high) / (high - low)

    def from_unit(self, z: Point) -> Point:
        """The image of a point under the affine map of [0, 1]^d onto the domain."""
        low, high = jnp.asarray(self.lower, z.dtype), jnp.asarray(self.upper, z.dtype)
        return low + (high - low) * z

    def low_discrepancy_points(self, num_points: int) -> np.ndarray:
        """Deterministic, evenly spread points for validation, shape (num_points, d), in float64."""
        unit = low_discrepancy_unit_points(num_points, self.dimension)
        return np.asarray(self.lower) + unit * (np.asarray(self.upper) - np.asarray(self.lower))


def low_discrepancy_unit_points(num_points: int, dimension: int) -> np.ndarray:
    """Deterministic low-discrepancy points of [0, 1]^d, shape (num_points, d).

    Source: the R_d sequence of M. Roberts, "The unreasonable effectiveness of quasirandom
    sequences", 2018: an additive recurrence with the generalised golden ratio.
    """
    ratio = 2.0
    for _ in range(64):
        ratio = (1 + ratio) ** (1 / (dimension + 1))
    steps = ratio ** -np.arange(1.0, dimension + 1)
    return (0.5 + np.arange(1, num_points + 1)[:, None] * steps) % 1.0


def as_bounds(name: str, values: Sequence[float]) -> tuple[float, ...]:
    """A sequence of finite numbers as a tuple of floats."""
    try:
        array = np.atleast_1d(np.asarray(values, dtype=float))
    except (TypeError, ValueError) as error:
        raise InputError(f"`{name}` must be a sequence of numbers, got {values!r}") from error
    if array.ndim != 1 or array.size == 0 or not np.all(np.isfinite(array)):
        raise InputError(f"`{name}` must be a sequence of finite numbers, got {values!r}")
    return tuple(float(value) for value in array)


class Box(AbstractDomain):
    """The box prod_i [lower_i, upper_i] with a boundary.

    **Arguments:**

    - `lower`, `upper`: the corners, d lengths each.

    **Raises:** `InputError` if the corners differ in length or `lower_i >= upper_i`.

    ```python
    domain = nivp.Box((-1.0, 0.0), (1.0, 2.0))
    centre = domain.from_unit(jnp.array([0.5, 0.5]))
    ```
    """

    lower: tuple[float, ...] = eqx.field(static=True)
    upper: tuple[float, ...] = eqx.field(static=True)
    periods = None

    def __init__(self, lower: Sequence[float], upper: Sequence[float]):
        self.lower, self.upper = as_bounds("lower", lower), as_bounds("upper", upper)
        if len(self.lower) != len(self.upper):
            raise InputError(
                f"`lower` has {len(self.lower)} numbers and `upper` has {len(self.upper)}: "
                "give one of each per dimension"
            )
        if any(a >= b for a, b in zip(self.lower, self.upper, strict=True)):
            raise InputError(f"`lower` must lie below `upper`, got {self.lower}, {self.upper}")

    def contains(self, x: Point) -> Array:
        low, high = jnp.asarray(self.lower, x.dtype), jnp.asarray(self.upper, x.dtype)
        return jnp.all((x >= low) & (x <= high))

    def deviations_from_mean(self, points: Points) -> Points:
        return points - jnp.mean(points, axis=0, keepdims=True)

    def wrap(self, x: Point) -> Point:
        return x


class Torus(AbstractDomain):
    """The periodic box prod_i [lower_i, lower_i + lengths_i).

    **Arguments:**

    - `lengths`: the period in each dimension, d positive lengths.
    - `lower`: start of each period, d lengths; zeros if not given.

    **Raises:** `InputError` for a length that is not positive or a `lower` of another size.

    ```python
    domain = nivp.Torus((1.0, 2.0))
    domain.wrap(jnp.array([1.25, -0.5]))  # [0.25, 1.5]
    ```
    """

    lengths: tuple[float, ...] = eqx.field(static=True)
    lower: tuple[float, ...] = eqx.field(static=True)
    upper: tuple[float, ...] = eqx.field(static=True)

    def __init__(self, lengths: Sequence[float], lower: Sequence[float] | None = None):
        self.lengths = as_bounds("lengths", lengths)
        check_positive("lengths", self.lengths)
        self.lower = (0.0,) * len(self.lengths) if lower is None else as_bounds("lower", lower)
        if len(self.lower) != len(self.lengths):
            raise InputError(
                f"`lower` has {len(self.lower)} numbers and `lengths` has "
                f"{len(self.lengths)}: give one of each per dimension"
            )
        self.upper = tuple(float(a + b) for a, b in zip(self.lower, self.lengths, strict=True))

    @property
    def periods(self) -> tuple[float, ...]:
        return self.lengths

    def contains(self, x: Point) -> Array:
        return jnp.all(jnp.isfinite(x))

    def deviations_from_mean(self, points: Points) -> Points:
        wave_number = 2 * jnp.pi / jnp.asarray(self.lengths, points.dtype)[None]
        angles = wave_number * points
        sines, cosines = (jnp.mean(f(angles), axis=0, keepdims=True) for f in (jnp.sin, jnp.cos))
        offset = angles - jnp.arctan2(sines, cosines)
        return (offset - 2 * jnp.pi * jnp.round(offset / (2 * jnp.pi))) / wave_number

    def wrap(self, x: Point) -> Point:
        low, lengths = (jnp.asarray(side, x.dtype) for side in (self.lower, self.lengths))
        return x - lengths * jnp.floor((x - low) / lengths)
