"""Diffusion of many modes on a torus."""

import math
from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ..calculus import L2, AbstractInnerProduct, laplacian
from ..domains import Torus
from ..errors import check_positive
from ..types import Field, Point, Reference, Time, Value
from ._base import AbstractProblem, Density
from ._periodic import four_peaks


class HeatPeriodic(AbstractProblem):
    r"""The heat equation $u_t = \kappa \Delta u$ on $[0, 2 \pi)^2$, periodic, from many modes.

    $u_0 = (4 / 100) \cosh(3 \sin x_0) \sinh(\sin x_1)$. The reference is the Fourier series, exact
    in time; the source solves until t = 4.

    **Arguments:**

    - `diffusivity`: kappa, length^2 / time, not negative. Good values: 0.1, as in the source. The
      largest mode decays at the rate kappa: once it is below the tolerance, relative errors grow.

    **Raises:** `InputError` for a negative diffusivity.

    Source: Chen et al., "TENG", ICML 2024.

    ```python
    problem = nivp.problems.HeatPeriodic(diffusivity=0.2)
    problem.initial(jnp.ones(2))  # u at one point, of shape (1,)
    ```
    """

    diffusivity: Float[Array, ""]
    domain: Torus
    components = 1
    boundary = None
    norm: AbstractInnerProduct

    def __init__(self, *, diffusivity: ArrayLike = 0.1):
        check_positive("diffusivity", diffusivity, zero=True)
        self.diffusivity = jnp.asarray(diffusivity, float)
        self.domain = Torus((2 * math.pi,) * 2)
        self.norm = L2((1.0,))

    def initial(self, x: Point) -> Value:
        return four_peaks(x)[None]

    def rhs(self, u: Field, t: Time, x: Point) -> Value:
        return self.diffusivity * laplacian(u)(x)

    def reference(self, t0: float) -> Reference:
        """The Fourier series."""
        from ..references import heat

        solution = heat(float(self.diffusivity))
        return lambda t, points: solution(t - t0, points)

    @property
    def invariants(self) -> Mapping[str, Density]:
        """The integral of u."""
        return {"mass": lambda u, x: u(x)[0]}
