"""The wave equation as a first-order system of two components."""

from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ..boundary import Dirichlet
from ..calculus import AbstractInnerProduct, WaveEnergy, laplacian
from ..domains import AbstractDomain, Box
from ..errors import InputError, check_count, check_positive
from ..types import Field, Point, Reference, Scalar, Value
from ._base import AbstractProblem, Density
from ._bump import bump


class Wave(AbstractProblem):
    r"""$u_t = v, \; v_t = s^2 \Delta u$ from a bump at rest in the middle of the domain.

    Components (u, v); $u_0 = \exp(-|x|^2 / 2 w^2) / (2 \pi w^2) / 30$, $v_0 = 0$. On a `Box`
    u = v = 0 on the boundary; on a `Torus` $u_0$ is the sum over all periods. Residuals and errors
    are measured in `WaveEnergy`. The reference is `neural_ivp.references.SineSeries`.

    **Arguments:**

    - `dimension`: d, if no `domain` is given.
    - `speed`: s, length / time, positive.
    - `width`: w, length, positive.
    - `domain`: the box [-1, 1]^d if not given.

    **Raises:** `InputError` for a speed or a width that is not positive.

    Source: Finzi et al., ICLR 2023.

    ```python
    problem = nivp.problems.Wave(1, speed=1.0, width=0.1)
    problem.initial(jnp.zeros(1))  # (u, v), of shape (2,)
    ```
    """

    dimension: int = eqx.field(static=True)
    speed: Float[Array, ""]
    width: Float[Array, ""]
    domain: AbstractDomain
    components = 2
    boundary: Dirichlet | None
    norm: AbstractInnerProduct

    def __init__(
        self,
        dimension: int = 2,
        *,
        speed: ArrayLike = 0.1**0.5,
        width: ArrayLike = 0.05,
        domain: AbstractDomain | None = None,
    ):
        check_count("dimension", dimension)
        self.domain = Box((-1.0,) * dimension, (1.0,) * dimension) if domain is None else domain
        self.dimension = self.domain.dimension
        check_positive("speed", speed)
        check_positive("width", width)
        self.speed = jnp.asarray(speed, float)
        self.width = jnp.asarray(width, float)
        self.boundary = Dirichlet(0.0) if self.domain.faces else None
        sides = zip(self.domain.lower, self.domain.upper, strict=True)
        self.norm = WaveEnergy(self.speed, self.width, max(b - a for a, b in sides))

    def initial(self, x: Point) -> Value:
        u = bump(x, self.domain, self.width)
        return jnp.stack([u, jnp.zeros_like(u)])

    def rhs(self, u: Field, t: Scalar, x: Point) -> Value:
        return jnp.stack([u(x)[1], self.speed**2 * laplacian(u)(x)[0]])

    def reference(self, t0: float) -> Reference | None:
        """The sine series on a box of one to three dimensions."""
        if any(self.domain.periodic) or self.domain.fraction < 1 or self.dimension > 3:
            return None
        from ..references import SineSeries

        centre = (np.asarray(self.domain.lower) + self.domain.upper) / 2
        width = float(self.width)

        def initial(points):
            squares = np.sum((points - centre) ** 2, axis=1)
            return np.exp(-squares / (2 * width**2)) / (2 * np.pi * width**2) / 30

        try:
            series = SineSeries(self.domain.lower, self.domain.upper, initial)
        except ValueError as error:
            raise InputError(
                f"the reference of Wave needs a bump that fits into the box, got width {width:g}: "
                "narrow it, or pass `reference`"
            ) from error
        speed_squared = float(self.speed) ** 2
        return lambda t, points: np.stack(series.wave(speed_squared, t - t0, points), axis=1)

    @property
    def invariants(self) -> Mapping[str, Density]:
        """The energy, the integral of (v^2 + s^2 |grad u|^2) / 2."""

        def energy(u, x):
            slope = jax.grad(lambda x: u(x)[0])(x)
            return (u(x)[1] ** 2 + self.speed.astype(x.dtype) ** 2 * jnp.sum(slope**2)) / 2

        return {"energy": energy}
