"""The box prod_i [lower_i, upper_i]."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from .._errors import InputError
from .._types import Point, Points, Scalar
from ._base import AbstractDomain, as_bounds


class Box(AbstractDomain):
    """The box prod_i [lower_i, upper_i] with a boundary.

    **Arguments:**

    - `lower`, `upper`: the corners, one number per dimension.

    **Raises:** `InputError` if the corners differ in length or `lower_i >= upper_i`.
    """

    lower: tuple[float, ...] = eqx.field(static=True)
    upper: tuple[float, ...] = eqx.field(static=True)

    def __init__(self, lower: Sequence[float], upper: Sequence[float]):
        self.lower, self.upper = as_bounds("lower", lower), as_bounds("upper", upper)
        if len(self.lower) != len(self.upper):
            raise InputError(
                f"`lower` has {len(self.lower)} numbers and `upper` has {len(self.upper)}: "
                "give one of each per dimension"
            )
        if any(a >= b for a, b in zip(self.lower, self.upper, strict=True)):
            raise InputError(f"`lower` must lie below `upper`, got {self.lower}, {self.upper}")

    @property
    def periods(self) -> None:
        return None

    def contains(self, x: Point) -> Array:
        low, high = jnp.asarray(self.lower, x.dtype), jnp.asarray(self.upper, x.dtype)
        return jnp.all((x >= low) & (x <= high))

    def distance(self, x: Point) -> Scalar:
        low, high = jnp.asarray(self.lower, x.dtype), jnp.asarray(self.upper, x.dtype)
        return jnp.min(jnp.minimum(x - low, high - x))

    def centred(self, points: Points) -> Points:
        return points - jnp.mean(points, axis=0, keepdims=True)

    def wrap(self, x: Point) -> Point:
        return x
