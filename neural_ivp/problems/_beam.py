"""A vibrating beam on two hinges."""

import math
from collections.abc import Mapping

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ..calculus import AbstractInnerProduct, partial
from ..domains import Torus
from ..errors import check_positive
from ..types import Field, Point, Scalar, Time, Value
from ._base import Density
from ._exact_motion import AbstractExactMotion
from ._second_order import AbstractSecondOrderProblem, second_order_norm


class Beam(AbstractSecondOrderProblem, AbstractExactMotion):
    r"""The Euler-Bernoulli beam $u_{tt} + k^2 u_{xxxx} = 0$ on [0, L], hinged at its ends, at rest.

    $u = \sin(\pi x / L) \cos(k (\pi / L)^2 t)$, and $u = u_{xx} = 0$ at the ends. There is no
    condition of second derivatives: the beam is represented by its odd extension on the periodic
    axis [0, 2 L), u(-x) = -u(x). The equation keeps u odd, and an odd smooth u of this period
    satisfies both conditions at 0 and at L, so that on [0, L] the solution is the same. They are
    not imposed: they hold as accurately as u does.

    **Arguments:**

    - `stiffness`: k, length^2 / time, positive: the square root of flexural rigidity over mass per
      length.
    - `length`: L, positive.

    **Raises:** `InputError` for a stiffness or a length that is not positive.

    Source: separation of variables; the extension is the method of images.

    ```python
    problem = nivp.problems.Beam(stiffness=0.5)
    problem.exact(jnp.array(0.1), 0.5 * jnp.ones(1))  # (u, u_t), of shape (2,)
    ```
    """

    stiffness: Float[Array, ""]
    length: float = eqx.field(static=True)
    domain: Torus
    components = 2
    boundary = None
    norm: AbstractInnerProduct

    def __init__(self, *, stiffness: ArrayLike = 1.0, length: float = 1.0):
        check_positive("stiffness", stiffness)
        check_positive("length", length)
        self.stiffness = jnp.asarray(stiffness, float)
        self.domain = Torus((2 * length,))
        self.length = self.domain.upper[0] / 2
        self.norm = second_order_norm(1, 1 / self.frequency)

    @property
    def frequency(self) -> Scalar:
        """k (pi / L)^2, 1 / time."""
        return self.stiffness * (math.pi / self.length) ** 2

    def displacement(self, x: Point) -> Value:
        return jnp.sin(math.pi / self.length * x)

    def initial_velocity(self, x: Point) -> Value:
        return jnp.zeros((1,), x.dtype)

    def acceleration(self, u: Field, v: Field, t: Time, x: Point) -> Value:
        return -(self.stiffness**2) * partial(u, 0, 0, 0, 0)(x)

    @property
    def invariants(self) -> Mapping[str, Density]:
        """The energy, the integral of (u_t^2 + k^2 u_xx^2) / 2, of the beam and its extension."""

        def energy(u, x):
            moment = self.stiffness.astype(x.dtype) * partial(u, 0, 0)(x)[0]
            return (u(x)[1] ** 2 + moment**2) / 2

        return {"energy": energy}

    def exact_displacement(self, t: Time, x: Point) -> Value:
        return self.displacement(x) * jnp.cos(self.frequency.astype(x.dtype) * t)
