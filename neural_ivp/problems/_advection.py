"""Transport of a bump at constant velocity."""

from collections.abc import Mapping, Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ..boundary import Dirichlet
from ..calculus import L2, AbstractInnerProduct, grad
from ..domains import AbstractDomain, Box
from ..errors import check_count, check_positive, check_shape
from ..types import Field, Point, Time, Value
from ._base import AbstractExactProblem, Density
from ._bump import bump


class Advection(AbstractExactProblem):
    r"""$u_t + a \cdot \nabla u = 0$ from a bump in the middle of the domain.

    $u_0 = \exp(-|x|^2 / 2 s^2) / (2 \pi s^2) / 30$. On a `Box` u = 0 on the boundary, and the
    exact solution $u_0(x - a t)$ is valid while the bump is inside. On a `Torus` $u_0$ is the sum
    over all periods.

    **Arguments:**

    - `dimension`: d, if no `domain` is given.
    - `velocity`: a, shape (d,), length / time; (-1, ..., -1) if not given, as in the source.
    - `width`: s, length, positive.
    - `domain`: the box [-1, 1]^d if not given.

    **Raises:** `InputError` for a velocity of another shape, or a width that is not positive.

    Source: Finzi et al., ICLR 2023.

    ```python
    problem = nivp.problems.Advection(2, width=0.1)
    problem.exact(jnp.array(0.1), jnp.zeros(2))  # u(t, x), of shape (1,)
    ```
    """

    dimension: int = eqx.field(static=True)
    velocity: Float[Array, " d"]
    width: Float[Array, ""]
    domain: AbstractDomain
    components = 1
    boundary: Dirichlet | None
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
        shape = (self.dimension,)
        self.velocity = -jnp.ones(shape) if velocity is None else jnp.asarray(velocity, float)
        check_shape("`velocity`", self.velocity.shape, shape, "give one number per dimension")
        check_positive("width", width)
        self.width = jnp.asarray(width, float)
        self.boundary = Dirichlet(0.0) if self.domain.faces else None
        self.norm = L2((1.0,))

    def initial(self, x: Point) -> Value:
        return bump(x, self.domain, self.width)[None]

    def rhs(self, u: Field, t: Time, x: Point) -> Value:
        return -grad(u)(x) @ self.velocity

    @property
    def invariants(self) -> Mapping[str, Density]:
        """Mass and square on a torus; none on a box, which the bump leaves."""
        if self.domain.faces:
            return {}
        return {"mass": lambda u, x: u(x)[0], "square": lambda u, x: u(x)[0] ** 2}

    def exact(self, t: Time, x: Point) -> Value:
        return bump(x, self.domain, self.width, -t * self.velocity)[None]
