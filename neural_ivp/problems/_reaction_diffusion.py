"""Growth to saturation with diffusion."""

import math

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ..calculus import L2, AbstractInnerProduct, laplacian
from ..domains import Torus
from ..errors import check_positive
from ..types import Field, Point, Reference, Time, Value
from ._base import AbstractProblem


class ReactionDiffusion(AbstractProblem):
    r"""Fisher's equation $u_t = \kappa u_{xx} + \rho u (1 - u)$ on $[0, 2 \pi)$, periodic.

    $u_0 = e^{-(x - \pi)^2 / 2 (\pi / 4)^2}$, whose slope jumps by 0.0034 at x = 0; u is a part of
    the capacity. The reference is pseudo-spectral; the source solves until t = 1.

    **Arguments:**

    - `diffusivity`: kappa, length^2 / time, positive.
    - `rate`: rho, 1 / time, not negative. Fronts have a width of about sqrt(kappa / rho); a
      network does not resolve those much narrower than the domain.

    **Raises:** `InputError` for a diffusivity that is not positive, or a negative rate.

    Source: Krishnapriyan et al., "Characterizing possible failure modes in physics-informed neural
    networks", NeurIPS 2021.

    ```python
    problem = nivp.problems.ReactionDiffusion(diffusivity=1.0)
    problem.initial(jnp.ones(1))  # u at one point, of shape (1,)
    ```
    """

    diffusivity: Float[Array, ""]
    rate: Float[Array, ""]
    domain: Torus
    components = 1
    boundary = None
    norm: AbstractInnerProduct

    def __init__(self, *, diffusivity: ArrayLike = 5.0, rate: ArrayLike = 5.0):
        check_positive("diffusivity", diffusivity)
        check_positive("rate", rate, zero=True)
        self.diffusivity = jnp.asarray(diffusivity, float)
        self.rate = jnp.asarray(rate, float)
        self.domain = Torus((2 * math.pi,))
        self.norm = L2((1.0,))

    def initial(self, x: Point) -> Value:
        return jnp.exp(-((self.domain.wrap(x) - math.pi) ** 2) / (2 * (math.pi / 4) ** 2))

    def rhs(self, u: Field, t: Time, x: Point) -> Value:
        value = u(x)
        return self.diffusivity * laplacian(u)(x) + self.rate * value * (1 - value)

    def reference(self, t0: float) -> Reference:
        """Fourier series in space and ETDRK4 in time."""
        from ..references import reaction_diffusion

        solution = reaction_diffusion(float(self.diffusivity), float(self.rate))
        return lambda t, points: solution(t - t0, points)
