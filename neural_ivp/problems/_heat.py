"""Diffusion of one mode."""

import math
from collections.abc import Mapping

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ..boundary import Dirichlet
from ..calculus import L2, AbstractInnerProduct, laplacian
from ..domains import AbstractDomain, Box
from ..errors import InputError, check_count, check_positive
from ..types import Field, Point, Time, Value
from ._base import AbstractExactProblem, Density


class Heat(AbstractExactProblem):
    r"""$u_t = \kappa \Delta u$ from $u_0 = \prod_i \sin(\pi \xi_i)$.

    With the reference coordinates $\xi \in [-1, 1]^d$, u = 0 at the ends of intervals and u is
    periodic along periodic axes. The exact solution is $u_0$ times
    $\exp(-\kappa t \sum_i (2\pi / \ell_i)^2)$ with the side lengths $\ell_i$.

    **Arguments:**

    - `dimension`: d, if no `domain` is given.
    - `diffusivity`: kappa, length^2 / time, not negative.
    - `domain`: the box [-pi, pi]^d if not given.

    **Raises:** `InputError` for a negative diffusivity, or a domain that is no product of axes.

    Source: Du & Zaki, "Evolutional deep neural network", 2021.

    ```python
    problem = nivp.problems.Heat(1, diffusivity=0.5)
    problem.exact(jnp.array(0.1), jnp.ones(1))  # u(t, x), of shape (1,)
    ```
    """

    dimension: int = eqx.field(static=True)
    diffusivity: Float[Array, ""]
    domain: AbstractDomain
    components = 1
    boundary: Dirichlet | None
    norm: AbstractInnerProduct

    def __init__(
        self,
        dimension: int = 2,
        *,
        diffusivity: ArrayLike = 1.0,
        domain: AbstractDomain | None = None,
    ):
        check_count("dimension", dimension)
        pi = math.pi
        self.domain = Box((-pi,) * dimension, (pi,) * dimension) if domain is None else domain
        if self.domain.fraction < 1:
            raise InputError(f"`domain` must be a product of axes, got {self.domain!r}")
        self.dimension = self.domain.dimension
        check_positive("diffusivity", diffusivity, zero=True)
        self.diffusivity = jnp.asarray(diffusivity, float)
        self.boundary = Dirichlet(0.0) if self.domain.faces else None
        self.norm = L2((1.0,))

    def initial(self, x: Point) -> Value:
        return jnp.prod(jnp.sin(math.pi * self.domain.to_reference(x)))[None]

    def rhs(self, u: Field, t: Time, x: Point) -> Value:
        return self.diffusivity * laplacian(u)(x)

    @property
    def invariants(self) -> Mapping[str, Density]:
        """Mass on a torus; none on a box."""
        return {} if self.domain.faces else {"mass": lambda u, x: u(x)[0]}

    def exact(self, t: Time, x: Point) -> Value:
        sides = zip(self.domain.lower, self.domain.upper, strict=True)
        rate = sum((2 * math.pi / (b - a)) ** 2 for a, b in sides)
        return jnp.exp(-self.diffusivity * rate * t) * self.initial(x)
