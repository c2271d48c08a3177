"""A damped string."""

import math

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ..boundary import Dirichlet
from ..calculus import AbstractInnerProduct, laplacian
from ..domains import Box
from ..errors import check_positive
from ..types import Field, Point, Scalar, Time, Value
from ._exact_motion import AbstractExactMotion
from ._second_order import AbstractSecondOrderProblem, second_order_norm


class Telegraph(AbstractSecondOrderProblem, AbstractExactMotion):
    r"""The telegraph equation $u_{tt} + 2 a u_t = s^2 u_{xx}$ on [0, L] from one mode at rest.

    $u_0 = \sin(\pi x / L)$, and u = 0 at the ends. With $\omega = \pi s / L$, $u = u_0 e^{-a t}
    (\cos(r t) + a \sin(r t) / r)$ and $r^2 = \omega^2 - a^2$: oscillations for $a < \omega$, and
    decay without them, at the rate $\omega^2 / (a + \sqrt{a^2 - \omega^2})$ at last, for a larger
    damping.

    **Arguments:**

    - `damping`: a, 1 / time, not negative; 0 for the wave equation. Good values: 0 to 2 omega.
    - `speed`: s, length / time, positive.
    - `length`: L, positive.

    **Raises:** `InputError` for a negative damping, or a speed or a length that is not positive.

    Source: separation of variables.

    ```python
    problem = nivp.problems.Telegraph(damping=jnp.pi)  # critical
    problem.exact(jnp.array(1.0), 0.5 * jnp.ones(1))  # (u, u_t), of shape (2,)
    ```
    """

    damping: Float[Array, ""]
    speed: Float[Array, ""]
    length: float = eqx.field(static=True)
    domain: Box
    components = 2
    boundary: Dirichlet
    norm: AbstractInnerProduct

    def __init__(self, *, damping: ArrayLike = 1.0, speed: ArrayLike = 1.0, length: float = 1.0):
        check_positive("damping", damping, zero=True)
        check_positive("speed", speed)
        check_positive("length", length)
        self.damping, self.speed = jnp.asarray(damping, float), jnp.asarray(speed, float)
        self.domain = Box((0.0,), (length,))
        self.length = self.domain.upper[0]
        self.boundary = Dirichlet(0.0)
        self.norm = second_order_norm(1, self.length / (math.pi * self.speed))

    def displacement(self, x: Point) -> Value:
        return jnp.sin(math.pi / self.length * x)

    def initial_velocity(self, x: Point) -> Value:
        return jnp.zeros((1,), x.dtype)

    def acceleration(self, u: Field, v: Field, t: Time, x: Point) -> Value:
        return self.speed**2 * laplacian(u)(x) - 2 * self.damping * v(x)

    def exact_displacement(self, t: Time, x: Point) -> Value:
        frequency = math.pi / self.length * self.speed.astype(x.dtype)
        return self.displacement(x) * damped(self.damping.astype(x.dtype), frequency, t)


def damped(a: Scalar, frequency: Scalar, t: Time) -> Scalar:
    r"""The solution of $y'' + 2 a y' + \omega^2 y = 0$ with y = 1 and y' = 0 at t = 0, smooth in a.

    With $r^2 = \omega^2 - a^2$, a Taylor series in $z = (r t)^2$ where that is below 1; elsewhere
    the sum of two exponentials of negative exponents, or of sine and cosine.
    """
    square = (frequency - a) * (frequency + a)
    near = jnp.abs(square) * t**2 < 1
    z = jnp.where(near, square * t**2, 0)
    series = jnp.exp(-a * t) * (_taylor(z, 0) + a * t * _taylor(z, 1))
    # Where the series is taken these are not, but must have finite derivatives.
    r = jnp.sqrt(jnp.where(near, 1, jnp.abs(square)))
    oscillating = jnp.exp(-a * t) * (jnp.cos(r * t) + a / r * jnp.sin(r * t))
    fast, slow = a + r, frequency**2 / (a + r)  # slow = a - r, without cancellation
    decaying = (fast * jnp.exp(-slow * t) - slow * jnp.exp(-fast * t)) / (2 * r)
    return jnp.where(near, series, jnp.where(square > 0, oscillating, decaying))


def _taylor(z: Scalar, odd: int) -> Scalar:
    """cos(sqrt z), or sin(sqrt z) / sqrt z with `odd` 1, for z between -1 and 1."""
    total = jnp.ones_like(z)
    for n in range(9, 0, -1):
        total = 1 - z * total / ((2 * n - 1 + odd) * (2 * n + odd))
    return total
