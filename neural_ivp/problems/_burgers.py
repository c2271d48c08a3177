"""A viscous shock on a periodic domain."""

import math
from collections.abc import Mapping

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ..calculus import L2, AbstractInnerProduct, grad, laplacian
from ..domains import Torus
from ..errors import check_positive
from ..types import Field, Point, Reference, Time, Value
from ._base import AbstractProblem, Density
from ._periodic import check_dimension, four_peaks


class Burgers(AbstractProblem):
    r"""Burgers' equation $u_t + u \sum_i \partial_i u = \nu \Delta u$, periodic.

    In one dimension on [-1, 1) from $u_0 = (1 - x^2) e^{-30 (x + 1/2)^2}$, whose slope jumps by
    0.001 at x = -1; in two on $[0, 2 \pi)^2$ from $u_0 = (4 / 100) \cosh(3 \sin x_0)
    \sinh(\sin x_1)$. u is a velocity. The reference is pseudo-spectral; the sources solve until
    t = 4.

    **Arguments:**

    - `dimension`: d, 1 or 2.
    - `viscosity`: nu, length^2 / time, positive; 0.001 in one dimension and 0.01 in two if not
      given, as in the sources. Shocks have a width of about 4 nu / jump. With a much smaller one
      neither a network nor the reference, which raises `ValueError`, resolves them.

    **Raises:** `InputError` for another dimension, or a viscosity that is not positive.

    Source: Chen et al., "TENG", ICML 2024 (d = 2); Berman & Peherstorfer, "Randomized sparse neural
    Galerkin schemes", NeurIPS 2023 (d = 1).

    ```python
    problem = nivp.problems.Burgers(1, viscosity=0.01)
    problem.initial(jnp.zeros(1))  # u at one point, of shape (1,)
    ```
    """

    dimension: int = eqx.field(static=True)
    viscosity: Float[Array, ""]
    domain: Torus
    components = 1
    boundary = None
    norm: AbstractInnerProduct

    def __init__(self, dimension: int = 1, *, viscosity: ArrayLike | None = None):
        check_dimension(dimension)
        viscosity = {1: 1e-3, 2: 1e-2}[dimension] if viscosity is None else viscosity
        check_positive("viscosity", viscosity)
        self.dimension = dimension
        self.viscosity = jnp.asarray(viscosity, float)
        line = dimension == 1
        self.domain = Torus((2.0,), (-1.0,)) if line else Torus((2 * math.pi,) * 2)
        self.norm = L2((1.0,))

    def initial(self, x: Point) -> Value:
        if self.dimension == 2:
            return four_peaks(x)[None]
        x = self.domain.wrap(x)
        return (1 - x**2) * jnp.exp(-30 * (x + 0.5) ** 2)

    def rhs(self, u: Field, t: Time, x: Point) -> Value:
        return self.viscosity * laplacian(u)(x) - u(x) * jnp.sum(grad(u)(x), axis=1)

    def reference(self, t0: float) -> Reference:
        """Fourier series in space and ETDRK4 in time."""
        from ..references import burgers

        solution = burgers(self.dimension, float(self.viscosity))
        return lambda t, points: solution(t - t0, points)

    @property
    def invariants(self) -> Mapping[str, Density]:
        """The integral of u."""
        return {"mass": lambda u, x: u(x)[0]}
