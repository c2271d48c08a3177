"""A standing wave with a restoring force."""

import math
from collections.abc import Mapping

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ..calculus import AbstractInnerProduct, laplacian
from ..domains import AbstractDomain, Torus
from ..errors import InputError, check_count, check_positive
from ..types import Field, Point, Scalar, Time, Value
from ._base import Density
from ._exact_motion import AbstractExactMotion, string_energy
from ._second_order import AbstractSecondOrderProblem, second_order_norm


class KleinGordon(AbstractSecondOrderProblem, AbstractExactMotion):
    r"""The Klein-Gordon equation $u_{tt} = s^2 \Delta u - m^2 u$ from one mode at rest, periodic.

    $u = \prod_i \cos(k_i (x_i - a_i)) \cos(\omega t)$ with $\omega^2 = s^2 \sum_i k_i^2 + m^2$ and
    the wave numbers $k_i = 2 \pi / \ell_i$ of axes that start at $a_i$ and have the lengths
    $\ell_i$: $\prod_i \cos x_i$ at first if no domain is given.

    **Arguments:**

    - `dimension`: d, that of the domain.
    - `speed`: s, length / time, positive.
    - `mass`: m, 1 / time, not negative. Good values: about speed times wave number, so that neither
      term is small; 0 for the wave equation.
    - `domain`: d periodic axes; [0, 2 pi)^d if not given.

    **Raises:** `InputError` for a speed that is not positive, a negative mass, or a domain of
    another dimension or with an axis that is not periodic.

    Source: separation of variables.

    ```python
    problem = nivp.problems.KleinGordon(2, mass=0.5)
    problem.exact(jnp.array(1.0), jnp.zeros(2))  # (u, u_t), of shape (2,)
    ```
    """

    dimension: int = eqx.field(static=True)
    speed: Float[Array, ""]
    mass: Float[Array, ""]
    domain: AbstractDomain
    components = 2
    boundary = None
    norm: AbstractInnerProduct

    def __init__(
        self,
        dimension: int = 1,
        *,
        speed: ArrayLike = 1.0,
        mass: ArrayLike = 1.0,
        domain: AbstractDomain | None = None,
    ):
        check_count("dimension", dimension)
        check_positive("speed", speed)
        check_positive("mass", mass, zero=True)
        self.dimension = dimension
        self.speed, self.mass = jnp.asarray(speed, float), jnp.asarray(mass, float)
        self.domain = Torus((2 * math.pi,) * dimension) if domain is None else domain
        _check_torus(self.domain, dimension)
        self.norm = second_order_norm(1, 1 / self.frequency)

    @property
    def wave_numbers(self) -> tuple[float, ...]:
        """k_i, 1 / length."""
        sides = zip(self.domain.lower, self.domain.upper, strict=True)
        return tuple(2 * math.pi / (b - a) for a, b in sides)

    @property
    def frequency(self) -> Scalar:
        """omega, 1 / time."""
        squares = sum(k**2 for k in self.wave_numbers)
        return jnp.sqrt(self.speed**2 * squares + self.mass**2)

    def displacement(self, x: Point) -> Value:
        k, start = jnp.asarray(self.wave_numbers, x.dtype), jnp.asarray(self.domain.lower, x.dtype)
        return jnp.prod(jnp.cos(k * (x - start)))[None]

    def initial_velocity(self, x: Point) -> Value:
        return jnp.zeros((1,), x.dtype)

    def acceleration(self, u: Field, v: Field, t: Time, x: Point) -> Value:
        return self.speed**2 * laplacian(u)(x) - self.mass**2 * u(x)

    @property
    def invariants(self) -> Mapping[str, Density]:
        """The energy, the integral of (u_t^2 + s^2 |grad u|^2 + m^2 u^2) / 2."""

        def energy(u, x):
            force = self.mass.astype(x.dtype) * u(x)[0]
            return string_energy(u, x, self.speed) + force**2 / 2

        return {"energy": energy}

    def exact_displacement(self, t: Time, x: Point) -> Value:
        return self.displacement(x) * jnp.cos(self.frequency.astype(x.dtype) * t)


def _check_torus(domain: AbstractDomain, dimension: int) -> None:
    """Raise `InputError` unless `domain` is a product of `dimension` periodic axes."""
    if not isinstance(domain, AbstractDomain) or not all(domain.periodic):
        raise InputError(f"`domain` must be periodic along all its axes, got {domain!r}")
    if domain.dimension != dimension:
        raise InputError(
            f"`domain` has {domain.dimension} axes and `dimension` is {dimension}: make them agree"
        )
