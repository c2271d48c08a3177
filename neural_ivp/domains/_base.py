"""What every domain is: a product of intervals with or without periodic ends."""

import abc
import math
from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._errors import InputError
from .._types import Point, Points, Scalar


class AbstractDomain(eqx.Module):
    """Geometry of the region in space.

    The bounds are static tuples of floats (they shape the embedding and the sampler), so a
    domain is hashable and a new domain compiles anew.
    """

    lower: eqx.AbstractVar[tuple[float, ...]]
    upper: eqx.AbstractVar[tuple[float, ...]]

    @property
    @abc.abstractmethod
    def periods(self) -> tuple[float, ...] | None:
        """Length of each period, or None where the domain has a boundary."""

    @abc.abstractmethod
    def contains(self, x: Point) -> Array:
        """Whether the point lies in the domain."""

    @abc.abstractmethod
    def distance(self, x: Point) -> Scalar:
        """Distance to the boundary (infinite where there is none)."""

    @abc.abstractmethod
    def wrap(self, x: Point) -> Point:
        """The image of a point in the period that starts at `lower`; x itself on a box."""

    @abc.abstractmethod
    def centred(self, points: Points) -> Points:
        """Points relative to their mean; on a torus to their circular mean, the short way."""

    @property
    def dimension(self) -> int:
        return len(self.lower)

    @property
    def volume(self) -> float:
        return math.prod(b - a for a, b in zip(self.lower, self.upper, strict=True))

    def reference(self, x: Point) -> Point:
        """Affine map of the domain onto [-1, 1]^d."""
        if x.shape != (self.dimension,):
            raise InputError(f"a point has shape {x.shape}, expected ({self.dimension},)")
        low, high = jnp.asarray(self.lower, x.dtype), jnp.asarray(self.upper, x.dtype)
        return (2 * x - low - high) / (high - low)

    def from_unit(self, z: Point) -> Point:
        """Affine map of [0, 1]^d onto the domain."""
        low, high = jnp.asarray(self.lower, z.dtype), jnp.asarray(self.upper, z.dtype)
        return low + (high - low) * z

    def spread(self, num_points: int) -> np.ndarray:
        """Deterministic, evenly spread points, shape (num_points, d), in float64.

        Held-out errors are measured on these points, never on the training points.
        """
        unit = even_unit_points(num_points, self.dimension)
        return np.asarray(self.lower) + unit * (np.asarray(self.upper) - np.asarray(self.lower))


def even_unit_points(num_points: int, dimension: int) -> np.ndarray:
    """Low-discrepancy points of [0, 1]^d without a key, in any dimension.

    The additive recurrence with the generalised golden ratio (M. Roberts, 2018, "The
    unreasonable effectiveness of quasirandom sequences").
    """
    ratio = 2.0
    for _ in range(64):
        ratio = (1 + ratio) ** (1 / (dimension + 1))
    steps = ratio ** -np.arange(1.0, dimension + 1)
    return (0.5 + np.arange(1, num_points + 1)[:, None] * steps) % 1.0


def as_bounds(name: str, values: Sequence[float]) -> tuple[float, ...]:
    """A tuple of finite floats from any sequence of numbers."""
    try:
        array = np.atleast_1d(np.asarray(values, dtype=float))
    except (TypeError, ValueError) as error:
        raise InputError(f"`{name}` must be a sequence of numbers, got {values!r}") from error
    if array.ndim != 1 or array.size == 0 or not np.all(np.isfinite(array)):
        raise InputError(f"`{name}` must be a sequence of finite numbers, got {values!r}")
    return tuple(float(value) for value in array)
