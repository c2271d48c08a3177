"""The wave equation."""

from collections.abc import Callable, Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ..boundary import Dirichlet
from ..calculus import AbstractInnerProduct, laplacian
from ..domains import AbstractDomain, Box
from ..errors import InputError, check_all_positive, check_count, check_positive, check_shape
from ..types import Field, Point, Reference, Scalar, Time, Value
from ._base import Density, check_problem
from ._bump import bump
from ._second_order import AbstractSecondOrderProblem, second_order_norm


class Wave(AbstractSecondOrderProblem):
    r"""$u_{tt} = s(x)^2 \Delta u$ from a bump at rest in the middle of the domain.

    $u = \exp(-|x|^2 / 2 w^2) / (2 \pi w^2) / 30$ and $u_t = 0$ at first. On a `Box` u = 0 on the
    boundary; on a `Torus` the bump is the sum over all periods. The reference is
    `neural_ivp.references.SineSeries`, for a box of up to three dimensions and a speed that is a
    number. Velocities are measured in units of s / w.

    **Arguments:**

    - `dimension`: d, if no `domain` is given.
    - `speed`: s, length / time, positive: a number, or a function of x.
    - `width`: w, length, positive.
    - `domain`: the box [-1, 1]^d if not given.

    **Raises:** `InputError` for a speed or a width that is not positive.

    Source: Finzi et al., ICLR 2023.

    ```python
    problem = nivp.problems.Wave(1, speed=1.0, width=0.1)
    problem.initial(jnp.zeros(1))  # (u, u_t), of shape (2,)
    ```
    """

    dimension: int = eqx.field(static=True)
    speed: Float[Array, ""] | Callable[[Point], Scalar]
    width: Float[Array, ""]
    domain: AbstractDomain
    components = 2
    boundary: Dirichlet | None
    norm: AbstractInnerProduct

    def __init__(
        self,
        dimension: int = 2,
        *,
        speed: ArrayLike | Callable[[Point], Scalar] = 0.1**0.5,
        width: ArrayLike = 0.05,
        domain: AbstractDomain | None = None,
    ):
        check_count("dimension", dimension)
        self.domain = Box((-1.0,) * dimension, (1.0,) * dimension) if domain is None else domain
        self.dimension = self.domain.dimension
        check_positive("width", width)
        self.width = jnp.asarray(width, float)
        typical = speed
        if callable(speed):
            points = jnp.asarray(self.domain.low_discrepancy_points(1_000), float)
            fix = "return one number for one point"
            check_shape("the value of `speed`", jax.eval_shape(speed, points[0]).shape, (), fix)
            speeds = jax.vmap(speed)(points)
            check_all_positive("speed", speeds)
            typical = jnp.mean(speeds)
        check_positive("speed", typical)
        self.speed = speed if callable(speed) else jnp.asarray(speed, float)
        self.boundary = Dirichlet(0.0) if self.domain.faces else None
        self.norm = second_order_norm(1, self.width / jnp.asarray(typical, float))
        check_problem(self)

    def displacement(self, x: Point) -> Value:
        return bump(x, self.domain, self.width)[None]

    def initial_velocity(self, x: Point) -> Value:
        return jnp.zeros((1,), x.dtype)

    def acceleration(self, u: Field, v: Field, t: Time, x: Point) -> Value:
        del v, t
        return self._speed(x) ** 2 * laplacian(u)(x)

    def _speed(self, x: Point) -> Scalar:
        speed = self.speed(x) if callable(self.speed) else self.speed
        return jnp.asarray(speed, x.dtype)

    def reference(self, t0: float) -> Reference | None:
        """The sine series on a box of one to three dimensions."""
        known = not any(self.domain.periodic) and self.domain.fraction == 1 and self.dimension <= 3
        if not known or callable(self.speed):
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
        """The energy, the integral of (u_t^2 / s^2 + |grad u|^2) s^2 / 2 for a constant speed s and
        of (u_t^2 / s^2 + |grad u|^2) / 2 for one that varies."""

        def energy(u, x):
            slope, speed = jax.grad(lambda x: u(x)[0])(x), self._speed(x)
            unit = 1.0 if callable(self.speed) else speed**2
            return unit * (u(x)[1] ** 2 / speed**2 + jnp.sum(slope**2)) / 2

        return {"energy": energy}
