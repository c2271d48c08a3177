"""Separation of two phases that conserves their amounts."""

from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ..calculus import L2, AbstractInnerProduct, laplacian
from ..domains import Torus
from ..errors import check_positive
from ..types import Field, Point, Reference, Time, Value
from ._base import AbstractProblem, Density


class CahnHilliard(AbstractProblem):
    r"""The Cahn-Hilliard equation $u_t = M \, \partial_{xx} (u^3 - u - \epsilon^2 u_{xx})$.

    On [-1, 1), periodic, from $u_0 = \cos \pi x - e^{-4 (\pi x)^2}$; u has no unit. Its mean is
    kept, and the free energy, the integral of $(u^2 - 1)^2 / 4 + \epsilon^2 u_x^2 / 2$, never
    rises. The reference is pseudo-spectral.

    **Arguments:**

    - `mobility`: M, length^2 / time, positive. Good values: 0.01.
    - `thickness`: epsilon, length, positive: phases are separated by layers of width about three
      times this. Good values: 0.1. A network does not resolve much thinner layers, nor does the
      reference, which then raises `ValueError`.

    **Raises:** `InputError` for a mobility or a thickness that is not positive.

    Source: Cahn & Hilliard, "Free energy of a nonuniform system", J. Chem. Phys., 1958.

    ```python
    problem = nivp.problems.CahnHilliard(thickness=0.2)
    problem.initial(jnp.zeros(1))  # u at one point, of shape (1,)
    ```
    """

    mobility: Float[Array, ""]
    thickness: Float[Array, ""]
    domain: Torus
    components = 1
    boundary = None
    norm: AbstractInnerProduct

    def __init__(self, *, mobility: ArrayLike = 0.01, thickness: ArrayLike = 0.1):
        check_positive("mobility", mobility)
        check_positive("thickness", thickness)
        self.mobility = jnp.asarray(mobility, float)
        self.thickness = jnp.asarray(thickness, float)
        self.domain = Torus((2.0,), (-1.0,))
        self.norm = L2((1.0,))

    def initial(self, x: Point) -> Value:
        x = jnp.pi * self.domain.wrap(x)
        return jnp.cos(x) - jnp.exp(-4 * x**2)

    def rhs(self, u: Field, t: Time, x: Point) -> Value:
        def potential(x):
            value = u(x)
            return value**3 - value - self.thickness**2 * laplacian(u)(x)

        return self.mobility * laplacian(potential)(x)

    def reference(self, t0: float) -> Reference:
        """Fourier series in space and ETDRK4 in time."""
        from ..references import cahn_hilliard

        solution = cahn_hilliard(float(self.mobility), float(self.thickness))
        return lambda t, points: solution(t - t0, points)

    @property
    def invariants(self) -> Mapping[str, Density]:
        """The integral of u."""
        return {"mass": lambda u, x: u(x)[0]}
