"""Separation of two phases."""

import math

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ..calculus import L2, AbstractInnerProduct, laplacian
from ..domains import Torus
from ..errors import check_positive
from ..types import Field, Point, Reference, Time, Value
from ._base import AbstractProblem
from ._periodic import check_dimension, four_peaks


class AllenCahn(AbstractProblem):
    r"""The Allen-Cahn equation $u_t = \kappa \Delta u + u - u^3$ on $[0, 2 \pi)^d$, periodic.

    The unit of time is that of the reaction, and u has none. In one dimension $u_0 = \tanh(2 \sin
    x) / 3 - e^{-23.5 (x - \pi / 2)^2} + e^{-27 (x - 4.2)^2} + e^{-38 (x - 5.4)^2}$, in two $u_0 =
    (4 / 100) \cosh(3 \sin x_0) \sinh(\sin x_1)$. The reference is pseudo-spectral; the sources
    solve until t = 4.

    **Arguments:**

    - `dimension`: d, 1 or 2.
    - `diffusivity`: kappa, length^2 / time, positive. The phases are separated by layers of width
      about sqrt(8 kappa). Good values: 0.005, as in the sources. A network does not resolve the
      layers of a much smaller one, nor does the reference, which then raises `ValueError`.

    **Raises:** `InputError` for another dimension, or a diffusivity that is not positive.

    Source: Chen et al., "TENG", ICML 2024 (d = 2); Berman & Peherstorfer, "Randomized sparse neural
    Galerkin schemes", NeurIPS 2023 (d = 1).

    ```python
    problem = nivp.problems.AllenCahn(1, diffusivity=0.01)
    problem.initial(jnp.ones(1))  # u at one point, of shape (1,)
    ```
    """

    dimension: int = eqx.field(static=True)
    diffusivity: Float[Array, ""]
    domain: Torus
    components = 1
    boundary = None
    norm: AbstractInnerProduct

    def __init__(self, dimension: int = 1, *, diffusivity: ArrayLike = 5e-3):
        check_dimension(dimension)
        check_positive("diffusivity", diffusivity)
        self.dimension = dimension
        self.diffusivity = jnp.asarray(diffusivity, float)
        self.domain = Torus((2 * math.pi,) * dimension)
        self.norm = L2((1.0,))

    def initial(self, x: Point) -> Value:
        if self.dimension == 2:
            return four_peaks(x)[None]
        x = self.domain.wrap(x)
        peaks = jnp.exp(-27 * (x - 4.2) ** 2) + jnp.exp(-38 * (x - 5.4) ** 2)
        return jnp.tanh(2 * jnp.sin(x)) / 3 - jnp.exp(-23.5 * (x - math.pi / 2) ** 2) + peaks

    def rhs(self, u: Field, t: Time, x: Point) -> Value:
        value = u(x)
        return self.diffusivity * laplacian(u)(x) + value - value**3

    def reference(self, t0: float) -> Reference:
        """Fourier series in space and ETDRK4 in time."""
        from ..references import allen_cahn

        solution = allen_cahn(self.dimension, float(self.diffusivity))
        return lambda t, points: solution(t - t0, points)
