"""The flat torus: a box with opposite faces identified."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._errors import InputError, check_positive
from .._types import Point, Points, Scalar
from ._base import AbstractDomain, as_bounds


class Torus(AbstractDomain):
    """The periodic box prod_i [lower_i, lower_i + lengths_i).

    **Arguments:**

    - `lengths`: the period in each dimension, positive.
    - `lower`: where each period starts; zeros by default.

    **Raises:** `InputError` for a length that is not positive or a `lower` of another size.
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

    def distance(self, x: Point) -> Scalar:
        return jnp.asarray(np.inf, x.dtype)

    def centred(self, points: Points) -> Points:
        turn = 2 * jnp.pi / jnp.asarray(self.lengths, points.dtype)[None]
        angles = turn * points
        sines, cosines = (jnp.mean(f(angles), axis=0, keepdims=True) for f in (jnp.sin, jnp.cos))
        away = angles - jnp.arctan2(sines, cosines)
        return (away - 2 * jnp.pi * jnp.round(away / (2 * jnp.pi))) / turn

    def wrap(self, x: Point) -> Point:
        low, lengths = (jnp.asarray(side, x.dtype) for side in (self.lower, self.lengths))
        return x - lengths * jnp.floor((x - low) / lengths)
