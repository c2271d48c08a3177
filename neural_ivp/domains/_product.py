"""Domains that are products of axes: all with ends (`Box`), all periodic (`Torus`), or mixed."""

from collections.abc import Callable, Mapping, Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from ..errors import InputError, check_all_positive, check_largest
from ..types import Point, Points, Scalar
from ._axes import Interval, Periodic, as_bounds, as_corners
from ._domain import AbstractDomain


class AbstractProduct(AbstractDomain):
    """A product of axes; "x0-" and "x0+" are the faces at the ends of axis 0, if it has any."""

    fraction = 1.0

    @property
    def faces(self) -> tuple[str, ...]:
        axes = zip(self.axis_names, self.periodic, strict=True)
        return tuple(f"{name}{side}" for name, periodic in axes if not periodic for side in "-+")

    def contains(self, x: Point, slack: float = 0.0) -> Array:
        return self.in_bounding_box(x, slack)

    def distance(self, face: str, x: Point) -> Scalar:
        axis, end, sign = self._end(face)
        return sign * (x[axis] - jnp.asarray(end, x.dtype))

    def face_points(self, face: str, unit: Points) -> Points:
        axis, end, _ = self._end(face)
        low, length = self._low_and_length(unit.dtype)
        return (low[None] + length[None] * unit).at[:, axis].set(end)

    def adjacent(self, face: str, other: str) -> bool:
        return self._end(face)[0] != self._end(other)[0]

    def vanishing(self, faces: Sequence[str], even: Sequence[str], x: Point) -> Scalar:
        xi, product = self.to_reference(x), jnp.ones((), x.dtype)
        for i in range(self.dimension):
            lower, upper = f"x{i}-" in faces, f"x{i}+" in faces
            if lower and upper:
                product = product * (1 - xi[i] ** 2)
            elif lower or upper:
                s = (1 + xi[i]) / 2 if upper else (1 - xi[i]) / 2  # from the other end
                other = f"x{i}-" if upper else f"x{i}+"
                product = product * (1 - s**2 if other in even else 1 - s)
        return product

    def interpolate(self, values: Mapping[str, Callable[[Point], Array]], x: Point) -> Array:
        """Transfinite interpolation: linear between the ends of an axis, and for several axes the
        Boolean sum P_0 + P_1 - P_0 P_1 of the interpolations P_i along each.

        Source: Gordon & Hall, "Transfinite element methods", 1973.
        """

        def zero(x):
            return jnp.zeros_like(next(iter(values.values()))(x))

        total: Callable[[Point], Array] = zero
        for axis in range(self.dimension):
            ends = [face for face in (f"x{axis}-", f"x{axis}+") if face in values]
            if ends:
                total = self._add_axis(total, axis, {face: values[face] for face in ends})
        return total(x)

    def _add_axis(self, rest: Callable, axis: int, values: Mapping[str, Callable]) -> Callable:
        """`rest` + P (values - rest), with P the interpolation along one axis."""

        def total(x):
            result, s = rest(x), (1 + self.to_reference(x)[axis]) / 2
            shares = {f"x{axis}-": 1 - s, f"x{axis}+": s}
            for face, value in values.items():
                at = x.at[axis].set(self._end(face)[1])
                share = shares[face] if len(values) == 2 else 1
                result = result + share * (value(at) - rest(at))
            return result

        return total

    def _end(self, face: str) -> tuple[int, float, int]:
        """The axis of a face, its coordinate there, and the sign of the inward direction."""
        axis, lower = int(face[1:-1]), face[-1] == "-"
        return axis, (self.lower if lower else self.upper)[axis], 1 if lower else -1


class ProductDomain(AbstractProduct):
    """The product of axes with ends and periodic ones, such as a channel between two walls.

    **Arguments:**

    - `axes`: an `Interval` or a `Periodic` for each dimension.

    **Raises:** `InputError` for something else.

    ```python
    channel = nivp.ProductDomain((nivp.Periodic(2.0), nivp.Interval(0.0, 1.0)))
    print(channel.faces)  # ("x1-", "x1+")
    ```
    """

    axes: tuple[Interval | Periodic, ...]

    def __init__(self, axes: Sequence[Interval | Periodic]):
        if not isinstance(axes, tuple | list) or not axes:
            raise InputError(f"`axes` must be a tuple of one axis per dimension, got {axes!r}")
        check_largest("dimension", len(axes), "the number of `axes`")
        for axis in axes:
            if not isinstance(axis, Interval | Periodic):
                raise InputError(
                    "`axes` must hold `Interval(lower, upper)` and `Periodic(length)`, got "
                    f"{axis!r}"
                )
        self.axes = tuple(axes)

    @property
    def lower(self) -> tuple[float, ...]:
        return tuple(axis.lower for axis in self.axes)

    @property
    def upper(self) -> tuple[float, ...]:
        return tuple(axis.upper for axis in self.axes)

    @property
    def periodic(self) -> tuple[bool, ...]:
        return tuple(axis.periodic for axis in self.axes)


class Box(AbstractProduct):
    """The box prod_i [lower_i, upper_i], with two faces for each dimension.

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

    def __init__(self, lower: Sequence[float], upper: Sequence[float]):
        self.lower, self.upper = as_corners(lower, upper)

    @property
    def periodic(self) -> tuple[bool, ...]:
        return (False,) * len(self.lower)


class Torus(AbstractProduct):
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

    def __init__(self, lengths: Sequence[float], lower: Sequence[float] | None = None):
        self.lengths = as_bounds("lengths", lengths)
        check_all_positive("lengths", self.lengths)
        self.lower = (0.0,) * len(self.lengths) if lower is None else as_bounds("lower", lower)
        if len(self.lower) != len(self.lengths):
            raise InputError(
                f"`lower` has {len(self.lower)} numbers and `lengths` has "
                f"{len(self.lengths)}: give one of each per dimension"
            )

    @property
    def upper(self) -> tuple[float, ...]:
        return tuple(float(a + b) for a, b in zip(self.lower, self.lengths, strict=True))

    @property
    def periodic(self) -> tuple[bool, ...]:
        return (True,) * len(self.lengths)
