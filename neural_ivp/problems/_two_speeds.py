"""A pulse that meets another medium."""

from collections.abc import Mapping, Sequence

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ..boundary import Dirichlet
from ..calculus import AbstractInnerProduct, grad, laplacian
from ..domains import Box
from ..errors import InputError, check_all_positive, check_positive, check_shape, concrete
from ..types import Field, Point, Reference, Scalar, Time, Value
from ._base import Density
from ._exact_motion import AbstractExactMotion
from ._second_order import AbstractSecondOrderProblem, second_order_norm

WIDEST = 0.05  # of a pulse that is below 2e-11 of its height at the ends of its half


class TwoSpeeds(AbstractSecondOrderProblem, AbstractExactMotion):
    r"""$u_{tt} = c(x)^2 u_{xx}$ on [0, 1] with the speed $c_1$ left of 1/2 and $c_2$ right of it.

    u = 0 at the ends. The pulse $f(x) = \exp(-((x - 1/4) / w)^2)$, with $u_t = -c_1 f'$, runs to
    the right until it meets the middle: with $\varrho = (c_2 - c_1) / (c_2 + c_1)$,
    $u = f(x - c_1 t) + \varrho f(1 - x - c_1 t)$ left of it and
    $u = (1 + \varrho) f(1/2 + (x - 1/2) c_1 / c_2 - c_1 t)$ right of it. u and $u_x$ are
    continuous there, $u_{xx}$ is not. This holds until a pulse comes to an end of the domain: until
    `last_time`, 1 / (2 max(c_1, c_2)), 0.5 by default. Later the reference raises `InputError`.

    **Arguments:**

    - `speeds`: (c_1, c_2), length / time, positive.
    - `width`: w, length, positive, at most 0.05, for which the closed form is wrong by 2e-11 of the
      height of the pulse; with 0.04, by 1e-17.

    **Raises:** `InputError` for speeds or a width that are not positive, or a larger width.

    Source: d'Alembert's formula on either side, matched in the middle.

    ```python
    problem = nivp.problems.TwoSpeeds(speeds=(1.0, 2.0))
    problem.exact(jnp.array(0.2), 0.5 * jnp.ones(1))  # (u, u_t), of shape (2,)
    ```
    """

    speeds: Float[Array, " 2"]
    width: Float[Array, ""]
    domain: Box
    components = 2
    boundary: Dirichlet
    norm: AbstractInnerProduct

    def __init__(self, *, speeds: Sequence[float] | Array = (1.0, 0.5), width: ArrayLike = 0.04):
        check_all_positive("speeds", speeds)
        check_positive("width", width)
        self.speeds, self.width = jnp.asarray(speeds, float), jnp.asarray(width, float)
        check_shape("`speeds`", self.speeds.shape, (2,), "one on either side")
        value = concrete("width", width)
        if value is not None and value > WIDEST:
            raise InputError(
                f"`width` must be at most {WIDEST}, for a pulse inside the left half, got {width!r}"
            )
        self.domain = Box((0.0,), (1.0,))
        self.boundary = Dirichlet(0.0)
        self.norm = second_order_norm(1, self.width / self.speeds[0])

    @property
    def last_time(self) -> float:
        """The time after the initial one until which the closed form holds."""
        return float(1 / (2 * jnp.max(self.speeds)))

    def displacement(self, x: Point) -> Value:
        return self._pulse(x)

    def initial_velocity(self, x: Point) -> Value:
        away = (x - 0.25) / self.width.astype(x.dtype)
        rate = self.speeds[0] / self.width
        return 2 * rate.astype(x.dtype) * away * jnp.exp(-(away**2))

    def acceleration(self, u: Field, v: Field, t: Time, x: Point) -> Value:
        return self.speed(x) ** 2 * laplacian(u)(x)

    def speed(self, x: Point) -> Scalar:
        """c at one point."""
        return jnp.where(x[0] < 0.5, self.speeds[0], self.speeds[1])

    @property
    def invariants(self) -> Mapping[str, Density]:
        """The energy, the integral of (u_t^2 / c^2 + u_x^2) / 2."""

        def energy(u, x):
            rate = u(x)[1] / self.speed(x).astype(x.dtype)
            return (rate**2 + grad(u)(x)[0, 0] ** 2) / 2

        return {"energy": energy}

    def exact_displacement(self, t: Time, x: Point) -> Value:
        left, right = self.speeds.astype(x.dtype)
        reflected = (right - left) / (right + left)
        way = left * t
        before = self._pulse(x - way) + reflected * self._pulse(1 - x - way)
        behind = (1 + reflected) * self._pulse(0.5 + (x - 0.5) * left / right - way)
        return jnp.where(x < 0.5, before, behind)

    def reference(self, t0: float) -> Reference:
        """The closed form, until it ceases to hold."""
        exact, last = super().reference(t0), t0 + self.last_time
        assert exact is not None

        def evaluate(t, points):
            if t > last + 1e-6 * self.last_time:
                raise InputError(
                    f"the closed form of TwoSpeeds holds until t = {last:g}, when pulses come to "
                    f"the ends, and t is {t:g}: end there, or give `reference` another solution"
                )
            return exact(t, points)

        return evaluate

    def _pulse(self, y: Array) -> Array:
        return jnp.exp(-(((y - 0.25) / self.width.astype(y.dtype)) ** 2))
