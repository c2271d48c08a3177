"""Two solitons, of which the faster one overtakes the other."""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..calculus import L2, AbstractInnerProduct, grad, partial
from ..domains import AbstractDomain, Torus
from ..errors import InputError, check_all_positive, check_finite, check_shape, concrete
from ..types import Field, Point, Time, Value
from ._base import AbstractExactProblem, Density
from ._periodic import check_circle


class KortewegDeVries(AbstractExactProblem):
    r"""The Korteweg-de Vries equation $u_t + 6 u u_x + u_{xxx} = 0$ with two solitons, periodic.

    $u = 2 \partial_{xx} \ln f$ with $f = 1 + e^{a_1} + e^{a_2} + c e^{a_1 + a_2}$, $a_i = k_i x -
    k_i^3 t + \eta_i$ and $c = ((k_1 - k_2) / (k_1 + k_2))^2$. A soliton has the height $k_i^2 / 2$,
    the width $2 / k_i$ and the speed $k_i^2$. This is the solution on a line: on a periodic axis
    it holds while both solitons are inside. The source solves until t = 4.

    **Arguments:**

    - `wave_numbers`: (k_1, k_2), 1 / length, positive and different.
    - `phases`: (eta_1, eta_2), numbers. One soliton alone starts at x = -eta_i / k_i.
    - `domain`: one periodic axis, [-20, 40) if not given.

    **Raises:** `InputError` for wave numbers that are equal or not positive, phases that are not
    finite, or another domain.

    Source: Taha & Ablowitz, J. Comput. Phys. 55 (1984); Bruna, Peherstorfer & Vanden-Eijnden,
    "Neural Galerkin schemes", 2022.

    ```python
    problem = nivp.problems.KortewegDeVries()
    problem.exact(jnp.array(1.0), jnp.zeros(1))  # u(t, x), of shape (1,)
    ```
    """

    wave_numbers: Float[Array, " 2"]
    phases: Float[Array, " 2"]
    domain: AbstractDomain
    components = 1
    boundary = None
    norm: AbstractInnerProduct

    def __init__(
        self,
        *,
        wave_numbers: Sequence[float] | Array = (1.0, 5**0.5),
        phases: Sequence[float] | Array = (0.0, 10.73),
        domain: AbstractDomain | None = None,
    ):
        check_all_positive("wave_numbers", wave_numbers)
        self.wave_numbers = jnp.asarray(wave_numbers, float)
        self.phases = jnp.asarray(phases, float)
        check_shape("`wave_numbers`", self.wave_numbers.shape, (2,), "one for each soliton")
        check_shape("`phases`", self.phases.shape, (2,), "one for each soliton")
        numbers = concrete("wave_numbers", wave_numbers)
        if numbers is not None and numbers[0] == numbers[1]:
            raise InputError(f"`wave_numbers` must be different, got {wave_numbers!r}")
        for phase in phases:
            check_finite("phases", phase)
        self.domain = Torus((60.0,), (-20.0,)) if domain is None else domain
        check_circle(self.domain)
        self.norm = L2((1.0,))

    def initial(self, x: Point) -> Value:
        return self.exact(jnp.zeros((), x.dtype), x)

    def rhs(self, u: Field, t: Time, x: Point) -> Value:
        return -6 * u(x) * grad(u)(x)[:, 0] - partial(u, 0, 0, 0)(x)

    @property
    def invariants(self) -> Mapping[str, Density]:
        """The integrals of u and of u^2."""
        return {"mass": lambda u, x: u(x)[0], "momentum": lambda u, x: u(x)[0] ** 2}

    def exact(self, t: Time, x: Point) -> Value:
        k1, k2 = k = self.wave_numbers.astype(x.dtype)
        a1, a2 = k * self.domain.wrap(x) - k**3 * t + self.phases.astype(x.dtype)
        both = a1 + a2 + 2 * jnp.log(jnp.abs((k1 - k2) / (k1 + k2)))
        # d_xx ln f is the variance of the slopes with the terms of f as weights; f itself, e^140 at
        # the right end, overflows in float32.
        weights = jax.nn.softmax(jnp.stack([jnp.zeros_like(a1), a1, a2, both]))
        slopes = jnp.stack([jnp.zeros_like(k1), k1, k2, k1 + k2])
        return 2 * (weights @ (slopes - weights @ slopes) ** 2)[None]
