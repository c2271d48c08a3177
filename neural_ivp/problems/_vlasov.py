"""Particles without collisions in a fixed periodic potential."""

import math
from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ..calculus import L2, AbstractInnerProduct, grad
from ..domains import Torus
from ..errors import check_positive
from ..types import Field, Point, Reference, Time, Value
from ._base import AbstractProblem, Density


class Vlasov(AbstractProblem):
    r"""The Vlasov equation $u_t + v u_x - \phi'(x) u_v = 0$ with the potential $\phi = A \cos x$.

    Points (x, v) of $[0, 2 \pi) \times [-6, 6)$, periodic in both; u is the density of particles of
    mass 1 in phase space, and $u_0 = e^{-v^2 / 2} / \sqrt{2 \pi}$. The reference follows
    characteristics (pendula) back to the start, without the periods in v, where u is below 1e-7;
    the source solves until t = 3. Filaments become thinner with time, until none are resolved.

    **Arguments:**

    - `strength`: A, of the potential, velocity^2, not negative. Good values: up to 1, for
      which the ends |v| = 6 do not matter.

    **Raises:** `InputError` for a negative strength.

    Source: Berman & Peherstorfer, "Randomized sparse neural Galerkin schemes", NeurIPS 2023.

    ```python
    problem = nivp.problems.Vlasov(strength=0.5)
    problem.initial(jnp.array([1.0, 0.0]))  # u at one point, of shape (1,)
    ```
    """

    strength: Float[Array, ""]
    domain: Torus
    components = 1
    boundary = None
    norm: AbstractInnerProduct

    def __init__(self, *, strength: ArrayLike = 1.0):
        check_positive("strength", strength, zero=True)
        self.strength = jnp.asarray(strength, float)
        self.domain = Torus((2 * math.pi, 12.0), (0.0, -6.0))
        self.norm = L2((1.0,))

    def initial(self, x: Point) -> Value:
        speed = self.domain.wrap(x)[1:]
        return jnp.exp(-(speed**2) / 2) / math.sqrt(2 * math.pi)

    def rhs(self, u: Field, t: Time, x: Point) -> Value:
        x = self.domain.wrap(x)
        acceleration = self.strength * jnp.sin(x[0])
        return -grad(u)(x) @ jnp.stack([x[1], acceleration])

    def reference(self, t0: float) -> Reference:
        """The initial value along characteristics."""
        from ..references import vlasov_pendulum

        strength = float(self.strength)

        def evaluate(t, points):
            points = np.array(points, float)
            points[:, 1] = np.mod(points[:, 1] + 6, 12) - 6
            return vlasov_pendulum(strength, t - t0, points)[:, None]

        return evaluate

    @property
    def invariants(self) -> Mapping[str, Density]:
        """The number of particles, and the integral of u^2."""
        return {"mass": lambda u, x: u(x)[0], "square": lambda u, x: u(x)[0] ** 2}
