"""Domains between spheres: a ball, and the shell between two of them."""

import math
from collections.abc import Callable, Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from ..errors import InputError, check_positive, suggestion
from ..types import Point, Points, Scalar
from ._axes import as_bounds
from ._domain import AbstractDomain

LEAST_FRACTION = 5e-4  # a ball in 11 dimensions fills 9e-4


class AbstractRound(AbstractDomain):
    """A domain in a ball, whose faces are spheres. They are never even: no embedding makes the
    normal derivative of a network vanish there, and `vanishing` has no use for the argument."""

    centre: eqx.AbstractVar[tuple[float, ...]]
    # Radius of each face; the last is the largest.
    radii: eqx.AbstractVar[tuple[float, ...]]

    @property
    def lower(self) -> tuple[float, ...]:
        return tuple(c - self.radii[-1] for c in self.centre)

    @property
    def upper(self) -> tuple[float, ...]:
        return tuple(c + self.radii[-1] for c in self.centre)

    @property
    def periodic(self) -> tuple[bool, ...]:
        return (False,) * len(self.centre)

    def distance(self, face: str, x: Point) -> Scalar:
        radius = self._radius(face)
        beyond = (self._squared_distance(x) - radius**2) / (2 * radius)
        return beyond if face == "inner" else -beyond

    def face_points(self, face: str, unit: Points) -> Points:
        centre = jnp.asarray(self.centre, unit.dtype)
        return centre[None] + self._radius(face) * _on_sphere(unit)

    def _radius(self, face: str) -> float:
        if face not in self.faces:
            raise InputError(f"the domain has no face {face!r}.{suggestion(face, self.faces)}")
        return self.radii[self.faces.index(face)]

    def _squared_distance(self, x: Point) -> Scalar:
        """From the centre."""
        return jnp.sum((x - jnp.asarray(self.centre, x.dtype)) ** 2)


class Ball(AbstractRound):
    r"""The ball $|x - c| \le r$ in any dimension, with the face "sphere".

    **Arguments:**

    - `centre`: c, d lengths.
    - `radius`: r, a positive length.

    **Raises:** `InputError` for a centre or a radius other than these, or more than 11 dimensions.

    ```python
    disc = nivp.Ball((0.0, 0.0), 1.5)
    depth = disc.distance("sphere", jnp.array([1.4, 0.0]))  # about 0.1
    ```
    """

    centre: tuple[float, ...] = eqx.field(static=True)
    radius: float = eqx.field(static=True)
    faces = ("sphere",)

    def __init__(self, centre: Sequence[float], radius: float):
        self.centre = as_bounds("centre", centre)
        check_positive("radius", radius)
        self.radius = float(radius)
        check_fraction_of_box(self)

    @property
    def radii(self) -> tuple[float, ...]:
        return (self.radius,)

    @property
    def fraction(self) -> float:
        return _ball_fraction(len(self.centre))

    def contains(self, x: Point, slack: float = 0.0) -> Array:
        return self._squared_distance(x) <= ((1 + 2 * slack) * self.radius) ** 2

    def vanishing(self, faces: Sequence[str], even: Sequence[str], x: Point) -> Scalar:
        if not faces:
            return jnp.ones((), x.dtype)
        return 2 / self.radius * self.distance(faces[0], x)

    def interpolate(self, values: Mapping[str, Callable[[Point], Array]], x: Point) -> Array:
        """The value of the face at x itself: its formula extends it to the inside."""
        return values["sphere"](x)


class Annulus(AbstractRound):
    r"""The shell $a \le |x - c| \le b$ in any dimension, with the faces "inner" and "outer".

    **Arguments:**

    - `centre`: c, d lengths.
    - `inner`, `outer`: the radii a < b, positive lengths.

    **Raises:** `InputError` for a centre or radii other than these, or a shell that fills less than
    5e-4 of its box.

    ```python
    pipe = nivp.Annulus((0.0, 0.0), inner=0.5, outer=1.0)
    wall = pipe.face_points("outer", jnp.array([[0.25, 0.0]]))  # [[0, 1]]
    ```
    """

    centre: tuple[float, ...] = eqx.field(static=True)
    inner: float = eqx.field(static=True)
    outer: float = eqx.field(static=True)
    faces = ("inner", "outer")

    def __init__(self, centre: Sequence[float], inner: float, outer: float):
        self.centre = as_bounds("centre", centre)
        check_positive("inner", inner)
        check_positive("outer", outer)
        if not inner < outer:
            raise InputError(f"`inner` must be the smaller radius, got {inner}, `outer` {outer}")
        self.inner, self.outer = float(inner), float(outer)
        check_fraction_of_box(self)

    @property
    def radii(self) -> tuple[float, ...]:
        return self.inner, self.outer

    @property
    def fraction(self) -> float:
        d = len(self.centre)
        return _ball_fraction(d) * (1 - (self.inner / self.outer) ** d)

    def contains(self, x: Point, slack: float = 0.0) -> Array:
        squared, beyond = self._squared_distance(x), 2 * slack * self.outer
        nearest, farthest = max(self.inner - beyond, 0.0), self.outer + beyond
        return (squared >= nearest**2) & (squared <= farthest**2)

    def vanishing(self, faces: Sequence[str], even: Sequence[str], x: Point) -> Scalar:
        product = jnp.full((), 4 if len(faces) == 2 else 1, x.dtype)  # at most one
        for face in faces:  # each factor grows from zero on its face to one on the other
            scale = 2 * self._radius(face) / (self.outer**2 - self.inner**2)
            product = product * scale * self.distance(face, x)
        return product

    def interpolate(self, values: Mapping[str, Callable[[Point], Array]], x: Point) -> Array:
        """The value of one face at x itself, as its formula extends it to the inside; those of two
        faces weighted by the distance from the other one."""
        if len(values) == 1:
            return next(iter(values.values()))(x)
        inner, outer = self.distance("inner", x), self.distance("outer", x)
        return (outer * values["inner"](x) + inner * values["outer"](x)) / (inner + outer)


def check_fraction_of_box(domain: AbstractDomain) -> None:
    """**Raises:** `InputError` for a domain whose points are too rare in its bounding box."""
    if domain.fraction < LEAST_FRACTION:
        raise InputError(
            f"a domain of this shape in {domain.dimension} dimensions fills "
            f"{domain.fraction:.1g} of its bounding box, too little to choose points among those "
            "of the box: take a `Box`"
        )


def _ball_fraction(dimension: int) -> float:
    """The volume of a ball over that of the cube around it."""
    return (math.pi / 4) ** (dimension / 2) / math.gamma(dimension / 2 + 1)


def _on_sphere(unit: Points) -> Points:
    """Images of points of the unit cube on the unit sphere, uniform if those are."""
    if unit.shape[1] == 1:
        return jnp.where(unit < 0.5, -1, 1).astype(unit.dtype)
    if unit.shape[1] == 2:
        angle = 2 * jnp.pi * unit[:, 0]
        return jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
    eps = jnp.finfo(unit.dtype).eps
    # Shifted, as the normal variates of the centre of the cube are all zero.
    normal = eps + jax.scipy.special.ndtri(jnp.clip(unit, eps, 1 - eps))
    return normal / jnp.linalg.norm(normal, axis=1, keepdims=True)
