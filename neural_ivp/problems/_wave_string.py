"""A string with two modes."""

import math
from collections.abc import Mapping

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ..boundary import Dirichlet
from ..calculus import AbstractInnerProduct, laplacian
from ..domains import Box
from ..errors import check_positive
from ..types import Field, Point, Scalar, Time, Value
from ._base import Density
from ._exact_motion import AbstractExactMotion, string_energy
from ._second_order import AbstractSecondOrderProblem, second_order_norm


class WaveString(AbstractSecondOrderProblem, AbstractExactMotion):
    r"""A string $u_{tt} = s^2 u_{xx}$ on [0, L], fixed at its ends, displaced and struck.

    $u_0 = \sin(y) / 2$ and $u_t = (\pi s / L) \sin(3 y)$ at first, with $y = \pi x / L$. With the
    phase $\tau = \pi s t / L$, $u = \sin(y) \cos(\tau) / 2 + \sin(3 y) \sin(3 \tau) / 3$, of the
    period 2 L / s.

    **Arguments:**

    - `speed`: s, length / time, positive.
    - `length`: L, positive.

    **Raises:** `InputError` for a speed or a length that is not positive.

    Source: separation of variables.

    ```python
    problem = nivp.problems.WaveString(speed=2.0)
    problem.exact(jnp.array(0.1), 0.5 * jnp.ones(1))  # (u, u_t), of shape (2,)
    ```
    """

    speed: Float[Array, ""]
    length: float = eqx.field(static=True)
    domain: Box
    components = 2
    boundary: Dirichlet
    norm: AbstractInnerProduct

    def __init__(self, *, speed: ArrayLike = 1.0, length: float = 1.0):
        check_positive("speed", speed)
        check_positive("length", length)
        self.speed = jnp.asarray(speed, float)
        self.domain = Box((0.0,), (length,))
        self.length = self.domain.upper[0]
        self.boundary = Dirichlet(0.0)
        self.norm = second_order_norm(1, 1 / self.frequency)

    @property
    def frequency(self) -> Scalar:
        """pi s / L, of the lowest mode, 1 / time."""
        return math.pi / self.length * self.speed

    def displacement(self, x: Point) -> Value:
        return jnp.sin(math.pi / self.length * x) / 2

    def initial_velocity(self, x: Point) -> Value:
        return self.frequency.astype(x.dtype) * jnp.sin(3 * math.pi / self.length * x)

    def acceleration(self, u: Field, v: Field, t: Time, x: Point) -> Value:
        return self.speed**2 * laplacian(u)(x)

    @property
    def invariants(self) -> Mapping[str, Density]:
        """The energy, the integral of (u_t^2 + s^2 u_x^2) / 2."""
        return {"energy": lambda u, x: string_energy(u, x, self.speed)}

    def exact_displacement(self, t: Time, x: Point) -> Value:
        y, phase = math.pi / self.length * x, self.frequency.astype(x.dtype) * t
        return jnp.sin(y) * jnp.cos(phase) / 2 + jnp.sin(3 * y) * jnp.sin(3 * phase) / 3
