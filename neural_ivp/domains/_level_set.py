"""A domain where a function is negative."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..errors import InputError, check_shape, suggestion
from ..types import Point, Points, Scalar
from ._axes import as_corners
from ._domain import AbstractDomain, low_discrepancy_unit_points

# Points at which the function is evaluated: the fewest of them in a region, in the box for a first
# and for a second try, and on each face of the box.
FEWEST, TRIES, NUM_OUTER = 100, (100_000, 1_000_000), 4096
# Points of the boundary for the mean slope, and steps of Newton's method that find one.
NUM_BOUNDARY, NUM_STEPS = 1024, 30


Corners: TypeAlias = tuple[tuple[float, ...], tuple[float, ...]]


class LevelSet(AbstractDomain):
    r"""The region of a box where $f(x) < 0$, with the face "boundary", $f = 0$.

    The distance to the boundary is $-f / s$ with s the mean of $|\nabla f|$ over the boundary, so
    its slope is one there on average only; functions of equal slope, such as signed distances, suit
    best. The face is never even, as those of a `Ball`. Points of the boundary are found by Newton's
    method from points of the box: they lie all along it, but not evenly.

    **Arguments:**

    - `function`: f, smooth, of one point of shape (d,), written with `jax.numpy`; returns a scalar.
      Its gradient must not vanish on the boundary.
    - `lower`, `upper`: the corners of the box, d lengths each. The region must not touch the box,
      which should be small: points of the region are chosen among points of the box.

    **Raises:** `InputError` for a function that is no such function, a region that touches the box
    or fills less than about a thousandth of it, or corners that are not those of a box.

    ```python
    ellipse = nivp.LevelSet(lambda x: x[0] ** 2 / 4 + x[1] ** 2 - 1, (-2.1, -1.1), (2.1, 1.1))
    print(ellipse.volume)  # about 2 pi
    ```
    """

    function: Callable[[Point], Any] = eqx.field(static=True)
    lower: tuple[float, ...] = eqx.field(static=True)
    upper: tuple[float, ...] = eqx.field(static=True)
    fraction: float = eqx.field(static=True)
    # The mean of |grad f| on the boundary, the least f and the unit coordinates of where it is.
    slope: float = eqx.field(static=True)
    least: float = eqx.field(static=True)
    deepest: tuple[float, ...] = eqx.field(static=True)
    faces = ("boundary",)

    def __init__(
        self, function: Callable[[Point], Any], lower: Sequence[float], upper: Sequence[float]
    ):
        box = as_corners(lower, upper)
        _check_function(function, box)
        self.function, (self.lower, self.upper) = function, box
        self.fraction, self.least, self.deepest = _inside(function, box)
        unit = jnp.asarray(low_discrepancy_unit_points(NUM_BOUNDARY, self.dimension), float)
        points = _boundary_points(function, box, self.deepest, unit)
        gradients = _values(jax.grad(function), points)
        self.slope = float(jnp.mean(jnp.linalg.norm(gradients, axis=1)))
        if not self.slope * max(np.subtract(self.upper, self.lower)) > -1e-6 * self.least:
            raise InputError(
                f"`function` is {self.least:.2g} inside and its gradient on the boundary "
                f"{self.slope:.2g}: give one with a gradient that is finite and not zero there, "
                "such as the distance from the boundary, negative inside"
            )

    @property
    def periodic(self) -> tuple[bool, ...]:
        return (False,) * len(self.lower)

    def contains(self, x: Point, slack: float = 0.0) -> Array:
        size = max(np.subtract(self.upper, self.lower))
        return self.in_bounding_box(x, slack) & (
            self.distance("boundary", x) >= -slack * float(size)
        )

    def distance(self, face: str, x: Point) -> Scalar:
        self._check(face)
        return -jnp.asarray(self.function(x), x.dtype) / self.slope

    def face_points(self, face: str, unit: Points) -> Points:
        self._check(face)
        return _boundary_points(self.function, (self.lower, self.upper), self.deepest, unit)

    def vanishing(self, faces: Sequence[str], even: Sequence[str], x: Point) -> Scalar:
        if not faces:
            return jnp.ones((), x.dtype)
        return self.slope / -self.least * self.distance(faces[0], x)

    def interpolate(self, values: Mapping[str, Callable[[Point], Array]], x: Point) -> Array:
        """The value of the face at x itself: its formula extends it to the inside."""
        return values["boundary"](x)

    def _check(self, face: str) -> None:
        if face not in self.faces:
            raise InputError(f"the domain has no face {face!r}.{suggestion(face, self.faces)}")


def _check_function(function: Any, box: Corners) -> None:
    """That it is hashable, returns a scalar, and is positive on the faces of the box."""
    if not callable(function):
        raise InputError(f"`function` must be a function of a point, got {function!r}")
    try:
        hash(function)
    except TypeError as error:
        raise InputError(
            f"`function` must be hashable, got {function!r}: call it in a `def` of your own"
        ) from error
    x = jax.ShapeDtypeStruct((len(box[0]),), float)
    result = jax.eval_shape(lambda x: jnp.asarray(function(x)), x)
    check_shape("the result of `function`", result.shape, (), "return a scalar, such as `y[0]`")
    if not jnp.issubdtype(result.dtype, jnp.floating):
        raise InputError(f"`function` must return a real number, got one of type {result.dtype}")
    d = len(box[0])
    unit = jnp.asarray(low_discrepancy_unit_points(NUM_OUTER, d), float)
    faces = [unit.at[:, axis].set(end) for axis in range(d) for end in (0, 1)]
    points = _from_unit(box, jnp.concatenate(faces))
    values = _finite_values(function, points)
    if np.any(values <= 0):
        first = np.argmin(values)
        raise InputError(
            f"`function` is {values[first]:.3g} at {np.asarray(points[first]).tolist()}, on a face "
            "of the box: move `lower` and `upper` away from the region. It must be negative inside "
            "the region and positive outside"
        )


def _from_unit(box: Corners, z: Array) -> Array:
    """Images of points of the unit cube in the box, coordinates in the last axis."""
    low, high = (jnp.asarray(corner, z.dtype) for corner in box)
    return jnp.broadcast_to(low, z.shape) + jnp.broadcast_to(high - low, z.shape) * z


@partial(jax.jit, static_argnums=0)
def _values(function: Callable, points: Points) -> Array:
    return jax.vmap(function)(points)


def _finite_values(function: Callable, points: Array) -> np.ndarray:
    values = np.asarray(_values(function, points))
    if not np.all(np.isfinite(values)):
        first = np.asarray(points[np.argmin(np.isfinite(values))]).tolist()
        raise InputError(f"`function` is not finite at {first}: it must be smooth all over the box")
    return values


def _inside(function: Callable, box: Corners) -> tuple[float, float, tuple[float, ...]]:
    """The share of the box that is inside, the least value, and its place in the unit cube."""
    unit = inside = values = np.zeros(0)
    for count in TRIES:
        unit = low_discrepancy_unit_points(count, len(box[0]))
        values = _finite_values(function, _from_unit(box, jnp.asarray(unit, float)))
        inside = values < 0
        if inside.sum() < FEWEST:
            raise InputError(
                f"`function` is negative at {inside.sum()} of {count} points of the box: move "
                "`lower` and `upper` closer to the region, where it must be negative"
            )
        if inside.sum() > 20 * FEWEST:  # a share to a few percent
            break
    deepest = tuple(float(entry) for entry in unit[np.argmin(values)])
    return float(inside.mean()), float(values.min()), deepest


@partial(jax.jit, static_argnums=(0, 1, 2))
def _boundary_points(
    function: Callable, box: Corners, deepest: Sequence[float], unit: Points
) -> Points:
    """Points where the function is zero, near those of the unit cube."""
    dtype = unit.dtype
    limit, tiny = 0.1 * math.sqrt(len(box[0])), jnp.finfo(dtype).tiny
    start = jnp.asarray(deepest, dtype)

    def value(z):
        return jnp.asarray(function(_from_unit(box, z)), dtype)

    def newton(_, z):
        f, gradient = jax.value_and_grad(value)(z)
        step = f * gradient / (jnp.sum(gradient**2) + tiny)
        length = jnp.sqrt(jnp.sum(step**2))
        return jnp.clip(z - step * jnp.minimum(1, limit / (length + tiny)), 0, 1)

    def bisect(z):
        """The safeguard: between the deepest point and the box there is always a zero."""
        direction = jnp.where(jnp.all(z == start), jnp.ones_like(z), z - start)
        room = jnp.where(direction > 0, 1 - start, start)
        ratios = room / jnp.where(direction == 0, tiny, jnp.abs(direction))
        end = start + jnp.min(ratios) * direction

        def halve(_, bounds):
            low, high = bounds
            middle = (low + high) / 2
            negative = value(middle) < 0
            return jnp.where(negative, middle, low), jnp.where(negative, high, middle)

        return jax.lax.fori_loop(0, 60, halve, (start, end))[0]

    def on_boundary(z):
        found = jax.lax.fori_loop(0, NUM_STEPS, newton, z)
        f, gradient = jax.value_and_grad(value)(found)
        near = jnp.abs(f) <= jnp.sqrt(jnp.finfo(dtype).eps) * jnp.linalg.norm(gradient)
        found = jnp.where(near, found, bisect(z))
        # One more step, as those before may have ended early, unless it leads away.
        last = newton(NUM_STEPS, found)
        better = jnp.abs(value(last)) < jnp.abs(value(found))
        return _from_unit(box, jnp.where(better, last, found))

    return jax.vmap(on_boundary)(unit)
