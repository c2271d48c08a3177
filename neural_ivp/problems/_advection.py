"""Transport of a bump at constant velocity."""

from collections.abc import Mapping, Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ..calculus import L2, AbstractInnerProduct, grad
from ..domains import AbstractDomain, Box
from ..errors import check_count, check_positive, check_shape
from ..types import Field, Point, Scalar, Value
from ._base import AbstractExactProblem, Density
from ._shared import bump, dirichlet_or_periodic


class Advection(AbstractExactProblem):
    r"""$u_t + a \cdot \nabla u = 0$ from a bump in the middle of the domain.

    The initial value is $\exp(-|x|^2 / 2 s^2) / (2 \pi s^2) / 30$. On a `Box` u = 0 on the
    boundary and the exact solution $u_0(x - a t)$ holds while the bump is inside; on a `Torus`
    it is the sum over all periods and goes round for ever.

    **Arguments:**

    - `dimension`: d, if no `domain` is given.
    - `velocity`: a, d numbers; (-1, ..., -1) by default, as in the paper (u_t = u_x + u_y).
    - `width`: s, a length, positive.
    - `domain`: [-1, 1]^d by default.

    **Raises:** `InputError` for a velocity of another size, or a width that is not positive.

    Source: Finzi et al., ICLR 2023 (`advection_2d` of the benchmark list).
    """

    dimension: int = eqx.field(static=True)
    velocity: Float[Array, " d"]
    width: Float[Array, ""]
    domain: AbstractDomain
    components: int = eqx.field(static=True)
    zero_boundary: bool = eqx.field(static=True)
    norm: AbstractInnerProduct

    def __init__(
        self,
        dimension: int = 2,
        *,
        velocity: Sequence[float] | Array | None = None,
        width: ArrayLike = 0.05,
        domain: AbstractDomain | None = None,
    ):
        check_count("dimension", dimension)
        self.domain = Box((-1.0,) * dimension, (1.0,) * dimension) if domain is None else domain
        self.dimension = self.domain.dimension
        if velocity is None:
            velocity = (-1.0,) * self.dimension
        self.velocity = jnp.asarray(velocity, float)
        shape = (self.dimension,)
        check_shape("`velocity`", self.velocity.shape, shape, "give one number per dimension")
        check_positive("width", width)
        self.width = jnp.asarray(width, float)
        self.components = 1
        self.zero_boundary = dirichlet_or_periodic(self.domain)
        self.norm = L2((1.0,))

    def initial(self, x: Point) -> Value:
        return bump(x, self.domain, self.width)[None]

    def rhs(self, u: Field, t: Scalar, x: Point) -> Value:
        return -grad(u)(x) @ self.velocity

    @property
    def invariants(self) -> Mapping[str, Density]:
        """Mass and square, on a torus; what leaves a box is lost."""
        if self.domain.periods is None:
            return {}
        return {"mass": lambda u, x: u(x)[0], "square": lambda u, x: u(x)[0] ** 2}

    def exact(self, t: Scalar, x: Point) -> Value:
        return bump(x, self.domain, self.width, -t * self.velocity)[None]
