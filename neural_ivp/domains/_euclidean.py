"""All of R^d, with points from a normal density."""

import statistics
from collections.abc import Callable, Mapping, Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtri
from jaxtyping import Array

from ..errors import InputError, check_all_positive, check_count, check_shape, finite_array
from ..types import Point, Points, Scalar
from ._domain import AbstractDomain, low_discrepancy_unit_points


class Euclidean(AbstractDomain):
    """All of R^d. It has no faces, and its volume is infinite.

    Points that other domains spread evenly are those of a normal density here, with independent
    coordinates of mean `centre` and standard deviation `scale`.

    **Arguments:**

    - `dimension`: d.
    - `centre`: length, shape (d,); the origin if not given.
    - `scale`: length, positive, one number or one for each axis.

    **Raises:** `InputError` for a dimension below one, or entries of another shape.

    ```python
    domain = nivp.Euclidean(2, scale=0.3)
    domain.low_discrepancy_points(100).std(axis=0)  # about 0.3
    ```
    """

    centre: tuple[float, ...] = eqx.field(static=True)
    scale: tuple[float, ...] = eqx.field(static=True)
    faces = ()
    fraction = 1.0

    def __init__(
        self,
        dimension: int,
        *,
        centre: Sequence[float] | None = None,
        scale: float | Sequence[float] = 1.0,
    ):
        check_count("dimension", dimension)
        place = finite_array("centre", np.zeros(dimension) if centre is None else centre)
        fix = "give one number for each axis"
        check_shape("`centre`", place.shape, (dimension,), fix)
        check_all_positive("scale", scale)
        sizes = finite_array("scale", scale)
        if sizes.ndim:
            check_shape("`scale`", sizes.shape, (dimension,), fix)
        self.centre = tuple(place.tolist())
        self.scale = tuple(np.broadcast_to(sizes, (dimension,)).tolist())

    @property
    def lower(self) -> tuple[float, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return (-np.inf,) * len(self.centre)

    @property
    def upper(self) -> tuple[float, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return (np.inf,) * len(self.centre)

    @property
    def periodic(self) -> tuple[bool, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return (False,) * len(self.centre)

    @property
    def volume(self) -> float:
        return np.inf

    def contains(self, x: Point, slack: float = 0.0) -> Array:
        del slack
        return jnp.all(jnp.isfinite(x))

    def distance(self, face: str, x: Point) -> Scalar:
        raise _no_face(face)

    def face_points(self, face: str, unit: Points) -> Points:
        raise _no_face(face)

    def vanishing(self, faces: Sequence[str], even: Sequence[str], x: Point) -> Scalar:
        raise _no_face(str(faces))

    def interpolate(self, values: Mapping[str, Callable[[Point], Array]], x: Point) -> Array:
        raise _no_face(str(tuple(values)))

    def wrap(self, x: Point) -> Point:
        return x

    def to_reference(self, x: Point) -> Point:
        """(x - centre) / scale."""
        if x.shape != (self.dimension,):
            raise InputError(f"a point has shape {x.shape}, expected ({self.dimension},)")
        return (x - jnp.asarray(self.centre, x.dtype)) / jnp.asarray(self.scale, x.dtype)

    def from_unit(self, z: Point) -> Point:
        """The image of a uniform point of [0, 1]^d, of the normal density."""
        tiny = jnp.finfo(z.dtype).eps / 2
        normal = ndtri(jnp.clip(z, tiny, 1 - tiny))
        return jnp.asarray(self.centre, z.dtype) + jnp.asarray(self.scale, z.dtype) * normal

    def low_discrepancy_points(self, num_points: int) -> np.ndarray:
        unit = low_discrepancy_unit_points(num_points, self.dimension)
        unit = np.clip(unit, 1e-15, 1 - 1e-15)
        normal = np.vectorize(statistics.NormalDist().inv_cdf)(unit)
        return np.asarray(self.centre) + np.asarray(self.scale) * normal


def _no_face(face: str) -> InputError:
    return InputError(f"a Euclidean domain has no face, got {face!r}")
