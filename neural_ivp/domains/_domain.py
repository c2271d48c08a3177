"""The contract of a domain: a region of space with faces, inside a bounding box."""

import abc
import math
from collections.abc import Callable, Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..errors import InputError
from ..types import Point, Points, Scalar

# Tolerance at the ends of an axis, relative to its length: coordinates may come from float32.
SLACK = 1e-6


class AbstractDomain(eqx.Module):
    """The region of space of a problem, in the box between the corners `lower` and `upper`.

    Both are static tuples of floats: a domain is hashable, and functions recompile for a new one.
    A face is a smooth part of the boundary, known by its name; a periodic axis has none.
    """

    lower: eqx.AbstractVar[tuple[float, ...]]
    upper: eqx.AbstractVar[tuple[float, ...]]
    # Whether each axis is periodic.
    periodic: eqx.AbstractVar[tuple[bool, ...]]
    # Names of the faces of the boundary.
    faces: eqx.AbstractVar[tuple[str, ...]]
    # The share of the bounding box that the domain fills.
    fraction: eqx.AbstractVar[float]

    @abc.abstractmethod
    def contains(self, x: Point, slack: float = 0.0) -> Array:
        """Whether a point lies in the domain, or beyond it by at most `slack` of its size."""

    @abc.abstractmethod
    def distance(self, face: str, x: Point) -> Scalar:
        """A smooth function: zero on the face, positive inside, of unit slope at the face."""

    @abc.abstractmethod
    def face_points(self, face: str, unit: Points) -> Points:
        """Images on a face of points of the unit cube, both of shape (n, d)."""

    @abc.abstractmethod
    def vanishing(self, faces: Sequence[str], even: Sequence[str], x: Point) -> Scalar:
        """A smooth function at x: zero on `faces` only, positive inside, of size one; its normal
        derivative is zero on the faces `even`."""

    @abc.abstractmethod
    def interpolate(self, values: Mapping[str, Callable[[Point], Array]], x: Point) -> Array:
        """A smooth function at x that takes each of `values` on its face."""

    def adjacent(self, face: str, other: str) -> bool:
        """Whether two faces meet."""
        del face, other
        return False

    def angle(self, face: str, other: str, x: Point) -> Scalar:
        """The angle from one face to another around the edge where they meet, over a right angle.

        It is smooth off the edge, and along planes that meet at a right angle it is harmonic.
        """
        return 2 / jnp.pi * jnp.arctan2(self.distance(face, x), self.distance(other, x))

    @property
    def dimension(self) -> int:
        return len(self.lower)

    @property
    def axis_names(self) -> tuple[str, ...]:
        """The names of the coordinates: x0, x1, ..., of which faces like "x0-" have theirs."""
        return tuple(f"x{i}" for i in range(self.dimension))

    @property
    def volume(self) -> float:
        sides = zip(self.lower, self.upper, strict=True)
        return self.fraction * math.prod(b - a for a, b in sides)

    def normal(self, face: str, x: Point) -> Point:
        """The outward unit normal at a point of a face."""
        slope = jax.grad(lambda x: self.distance(face, x))(x)
        return -slope / jnp.linalg.norm(slope)

    def wrap(self, x: Point) -> Point:
        """The image of a point in the period that starts at `lower`, along periodic axes."""
        low, length = self._low_and_length(x.dtype)
        shift = length * jnp.floor((x - low) / length)
        return x - jnp.where(jnp.asarray(self.periodic), shift, 0)

    def deviations_from_mean(self, points: Points) -> Points:
        """Shortest displacements of points (n, d) from their mean, circular along periodic axes."""
        straight = points - jnp.mean(points, axis=0, keepdims=True)
        if not any(self.periodic):
            return straight
        wave_number = 2 * jnp.pi / self._low_and_length(points.dtype)[1][None]
        angles = wave_number * points
        sines, cosines = (jnp.mean(f(angles), axis=0, keepdims=True) for f in (jnp.sin, jnp.cos))
        offset = angles - jnp.arctan2(sines, cosines)
        circular = (offset - 2 * jnp.pi * jnp.round(offset / (2 * jnp.pi))) / wave_number
        return jnp.where(jnp.asarray(self.periodic)[None], circular, straight)

    def to_reference(self, x: Point) -> Point:
        """The image of a point under the affine map of the bounding box onto [-1, 1]^d."""
        if x.shape != (self.dimension,):
            raise InputError(f"a point has shape {x.shape}, expected ({self.dimension},)")
        low, high = jnp.asarray(self.lower, x.dtype), jnp.asarray(self.upper, x.dtype)
        return (2 * x - low - high) / (high - low)

    def from_unit(self, z: Point) -> Point:
        """The image of a point under the affine map of [0, 1]^d onto the bounding box."""
        low, length = self._low_and_length(z.dtype)
        return low + length * z

    def in_bounding_box(self, x: Point, slack: float) -> Array:
        """Whether a point lies between the corners, along axes that are not periodic."""
        low, length = self._low_and_length(x.dtype)
        between = (x >= low - slack * length) & (x <= low + (1 + slack) * length)
        return jnp.all(jnp.where(jnp.asarray(self.periodic), jnp.isfinite(x), between))

    def low_discrepancy_points(self, num_points: int) -> np.ndarray:
        """Deterministic, evenly spread points for validation, shape (num_points, d), in float64."""
        low, high = np.asarray(self.lower), np.asarray(self.upper)
        count = math.ceil(num_points / self.fraction)
        points = low + low_discrepancy_unit_points(count, self.dimension) * (high - low)
        while self.fraction < 1:  # the share of these points that lies inside varies a little
            inside = points[np.asarray(jax.vmap(self.contains)(jnp.asarray(points)))]
            if len(inside) >= num_points:
                return inside[:num_points]
            count += math.ceil(count / 10)
            points = low + low_discrepancy_unit_points(count, self.dimension) * (high - low)
        return points

    def _low_and_length(self, dtype) -> tuple[Array, Array]:
        low = jnp.asarray(self.lower, dtype)
        return low, jnp.asarray(self.upper, dtype) - low


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
