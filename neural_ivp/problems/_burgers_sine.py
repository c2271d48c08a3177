"""A viscous shock between two walls."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ..boundary import Dirichlet
from ..calculus import L2, AbstractInnerProduct, grad, laplacian
from ..domains import Box
from ..errors import check_positive
from ..types import Field, Point, Reference, Time, Value
from ._base import AbstractProblem


class BurgersSine(AbstractProblem):
    r"""Burgers' equation $u_t + u u_x = \nu u_{xx}$ on [-1, 1] from $-\sin \pi x$, 0 at the ends.

    u is a velocity. A shock of width about 4 nu / jump stands at x = 0 from about t = 1 / pi on.
    The reference is the Cole-Hopf solution by quadrature; the source solves until t = 1.

    **Arguments:**

    - `viscosity`: nu, length^2 / time, positive. Good values: 0.01, and 0.01 / pi as in the source.
      With a much smaller one the shock is narrower than a network resolves.

    **Raises:** `InputError` for a viscosity that is not positive.

    Source: Basdevant et al., "Spectral and finite difference solutions of the Burgers equation",
    Computers & Fluids, 1986.

    ```python
    problem = nivp.problems.BurgersSine(viscosity=0.05)
    problem.reference(0.0)(0.5, [[0.1]])  # u at one time and point, of shape (1, 1)
    ```
    """

    viscosity: Float[Array, ""]
    domain: Box
    components = 1
    boundary: Dirichlet
    norm: AbstractInnerProduct

    def __init__(self, *, viscosity: ArrayLike = 0.01):
        check_positive("viscosity", viscosity)
        self.viscosity = jnp.asarray(viscosity, float)
        self.domain = Box((-1.0,), (1.0,))
        self.boundary = Dirichlet(0.0)
        self.norm = L2((1.0,))

    def initial(self, x: Point) -> Value:
        return -jnp.sin(jnp.pi * x)

    def rhs(self, u: Field, t: Time, x: Point) -> Value:
        return self.viscosity * laplacian(u)(x) - u(x) * grad(u)(x)[:, 0]

    def reference(self, t0: float) -> Reference:
        """The Cole-Hopf solution."""
        from ..references import burgers_sine

        viscosity = float(self.viscosity)
        return lambda t, points: burgers_sine(viscosity, t - t0, np.asarray(points, float))[:, None]
