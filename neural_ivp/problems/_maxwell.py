"""Electromagnetic pulses from a current, between conducting walls."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ..boundary import Dirichlet, Free
from ..calculus import L2, AbstractInnerProduct, partial
from ..domains import Box
from ..errors import check_positive
from ..types import Field, Point, Reference, Scalar, Time, Value
from ._base import AbstractExactProblem


class Maxwell(AbstractExactProblem):
    r"""Maxwell's equations $E_t = -H_x + J, \; H_t = -E_x$ on [-1, 1] with a current in the middle.

    Components (E, H), 0 at first, in units in which the speed of light is 1; E = 0 at the ends,
    where H is free. $J = 2 e^{-(t - t_c)^2 / 2 s^2} N(x; 0, w^2)$ with the normal density N, so
    that a pulse of height 1 runs to either side and is reflected. The closed form sums the pulses
    of mirror images of the current.

    **Arguments:**

    - `width`: w, of the current, length, positive.
    - `duration`: s, of the current, time, positive.
    - `delay`: t_c, time of the largest current, positive. Good values: 5 durations, or more, so
      that the current starts from 0. With a width or a duration above 0.5 the sum misses images.

    **Raises:** `InputError` for a width, a duration or a delay that is not positive.

    Source: d'Alembert's formula for E + H and E - H, with images for the walls.

    ```python
    problem = nivp.problems.Maxwell(width=0.1)
    problem.exact(jnp.array(0.5), jnp.zeros(1))  # (E, H), of shape (2,)
    ```
    """

    width: Float[Array, ""]
    duration: Float[Array, ""]
    delay: Float[Array, ""]
    domain: Box
    components = 2
    boundary: tuple[Dirichlet, Free]
    norm: AbstractInnerProduct

    def __init__(
        self,
        *,
        width: ArrayLike = 0.02,
        duration: ArrayLike = 0.08,
        delay: ArrayLike = 0.4,
    ):
        for name, value in (("width", width), ("duration", duration), ("delay", delay)):
            check_positive(name, value)
        self.width = jnp.asarray(width, float)
        self.duration = jnp.asarray(duration, float)
        self.delay = jnp.asarray(delay, float)
        self.domain = Box((-1.0,), (1.0,))
        self.boundary = Dirichlet(0.0), Free()
        self.norm = L2((1.0, 1.0))

    @property
    def component_names(self) -> tuple[str, ...]:
        return "E", "H"

    def initial(self, x: Point) -> Value:
        return jnp.zeros((2,), x.dtype)

    def current(self, t: Time, x: Point) -> Scalar:
        """J at one point."""
        w = self.width
        size = 2 / (w * math.sqrt(2 * math.pi))
        return size * jnp.exp(-(((t - self.delay) / self.duration) ** 2 + (x[0] / w) ** 2) / 2)

    def rhs(self, u: Field, t: Time, x: Point) -> Value:
        slope = partial(u, 0)(x)
        return jnp.stack([self.current(t, x) - slope[1], -slope[0]])

    def exact(self, t: Time, x: Point) -> Value:
        return self.from_rest(jnp.zeros_like(t), t, x)

    def from_rest(self, t0: Time, t: Time, x: Point) -> Value:
        """(E, H) at the time t, if they are 0 at the time t0."""
        # Images at 2 m with the sign (-1)^m; those far from where a pulse is now are negligible.
        away = t - self.delay
        offsets = jnp.arange(-2, 3, dtype=x.dtype)
        right_images = jnp.round((x[0] - away) / 2) + offsets
        left_images = jnp.round((x[0] + away) / 2) + offsets
        right = jnp.cos(jnp.pi * right_images) @ self._pulse(t0, t, x[0] - 2 * right_images)
        left = jnp.cos(jnp.pi * left_images) @ self._pulse(t0, t, 2 * left_images - x[0])
        return jnp.stack([right + left, right - left])

    def _pulse(self, t0: Time, t: Time, y: Array) -> Array:
        """The integral of J(r, y - (t - r)) / 2 over the times r of emission from t0 to t."""
        w, s = self.width, self.duration
        square = w**2 + s**2
        mean = (self.delay * w**2 + (t - y) * s**2) / square
        deviation = w * s / jnp.sqrt(square)
        part = [jax.scipy.special.ndtr((r - mean) / deviation) for r in (t0, t)]
        height = s / jnp.sqrt(square) * jnp.exp(-((t - y - self.delay) ** 2) / (2 * square))
        return height * (part[1] - part[0])

    def reference(self, t0: float) -> Reference:
        """The closed form; the current depends on the time itself, not on that since t0."""

        def evaluate(t, points):
            points = jnp.asarray(points)
            times = jnp.asarray(t0, points.dtype), jnp.asarray(t, points.dtype)
            return np.asarray(jax.vmap(lambda x: self.from_rest(*times, x))(points))

        return evaluate
