"""A wave packet that swings in a harmonic well."""

from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ..calculus import L2, AbstractInnerProduct, laplacian
from ..domains import AbstractDomain, Torus
from ..errors import check_finite, check_positive
from ..types import Field, Point, Time, Value
from ._base import AbstractExactProblem, Density
from ._periodic import check_circle


class Schroedinger(AbstractExactProblem):
    r"""The Schroedinger equation $i \psi_t = -\psi_{xx} / 2 + \omega^2 x^2 \psi / 2$, periodic.

    Components (re, im) of psi, in units with $\hbar = m = 1$. The start is the coherent state at
    $x = a$, and the solution $(\omega / \pi)^{1/4} \exp(-\omega (x - q)^2 / 2 + i p x - i (\omega t
    + p q) / 2)$ with $q = a \cos \omega t$, $p = -\omega a \sin \omega t$. This is the solution on
    a line: on a periodic axis it holds while psi is negligible at the ends.

    **Arguments:**

    - `frequency`: omega, 1 / time, positive. The packet has the width $\omega^{-1/2}$.
    - `displacement`: a, length, finite.
    - `domain`: one periodic axis around 0, [-8, 8) if not given.

    **Raises:** `InputError` for a frequency that is not positive, a displacement that is not
    finite, or another domain.

    Source: Schroedinger, "Der stetige Uebergang von der Mikro- zur Makromechanik", 1926.

    ```python
    problem = nivp.problems.Schroedinger(displacement=1.0)
    problem.exact(jnp.array(0.5), jnp.zeros(1))  # (re, im), of shape (2,)
    ```
    """

    frequency: Float[Array, ""]
    displacement: Float[Array, ""]
    domain: AbstractDomain
    components = 2
    boundary = None
    norm: AbstractInnerProduct

    def __init__(
        self,
        *,
        frequency: ArrayLike = 1.0,
        displacement: ArrayLike = 2.0,
        domain: AbstractDomain | None = None,
    ):
        check_positive("frequency", frequency)
        check_finite("displacement", displacement)
        self.frequency = jnp.asarray(frequency, float)
        self.displacement = jnp.asarray(displacement, float)
        self.domain = Torus((16.0,), (-8.0,)) if domain is None else domain
        check_circle(self.domain)
        self.norm = L2((1.0, 1.0))

    @property
    def component_names(self) -> tuple[str, ...]:
        return "re", "im"

    def initial(self, x: Point) -> Value:
        return self.exact(jnp.zeros((), x.dtype), x)

    def rhs(self, u: Field, t: Time, x: Point) -> Value:
        well = (self.frequency * self.domain.wrap(x)[0]) ** 2
        re, im = (well * u(x) - laplacian(u)(x)) / 2
        return jnp.stack([im, -re])

    @property
    def invariants(self) -> Mapping[str, Density]:
        """The integral of |psi|^2."""
        return {"norm": lambda u, x: jnp.sum(u(x) ** 2)}

    def exact(self, t: Time, x: Point) -> Value:
        y, omega = self.domain.wrap(x)[0], self.frequency
        q = self.displacement * jnp.cos(omega * t)
        p = -omega * self.displacement * jnp.sin(omega * t)
        size = (omega / jnp.pi) ** 0.25 * jnp.exp(-omega * (y - q) ** 2 / 2)
        phase = p * y - (omega * t + p * q) / 2
        return size * jnp.stack([jnp.cos(phase), jnp.sin(phase)])
