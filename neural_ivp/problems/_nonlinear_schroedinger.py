"""A bound state of two solitons that breathes."""

from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ..calculus import L2, AbstractInnerProduct, laplacian
from ..domains import AbstractDomain, Torus
from ..errors import check_positive
from ..types import Field, Point, Reference, Time, Value
from ._base import AbstractProblem, Density
from ._periodic import check_circle


class NonlinearSchroedinger(AbstractProblem):
    r"""The cubic Schroedinger equation $i h_t + h_{xx} / 2 + |h|^2 h = 0$, periodic.

    Components (re, im) of h, in units without dimension; $h_0 = A / \cosh x$. With A = 2 the
    height on a line goes from 2 to 4 and back in the time pi / 2. The slope of $h_0$ jumps by 0.05
    at the ends of [-5, 5), and nothing smooths that: the reference, by split steps, has an error of
    about 1e-6 (relative L2) at t = pi / 2.

    **Arguments:**

    - `amplitude`: A, positive. An integer is the number of solitons; the larger, the higher and
      narrower the peaks, and a few of them exceed what a network resolves.
    - `domain`: one periodic axis around 0, [-5, 5) if not given.

    **Raises:** `InputError` for an amplitude that is not positive, or another domain.

    Source: Raissi, Perdikaris & Karniadakis, "Physics-informed neural networks", J. Comput. Phys.,
    2019.

    ```python
    problem = nivp.problems.NonlinearSchroedinger(amplitude=1.0)
    problem.initial(jnp.zeros(1))  # (re, im), of shape (2,)
    ```
    """

    amplitude: Float[Array, ""]
    domain: AbstractDomain
    components = 2
    boundary = None
    norm: AbstractInnerProduct

    def __init__(self, *, amplitude: ArrayLike = 2.0, domain: AbstractDomain | None = None):
        check_positive("amplitude", amplitude)
        self.amplitude = jnp.asarray(amplitude, float)
        self.domain = Torus((10.0,), (-5.0,)) if domain is None else domain
        check_circle(self.domain)
        self.norm = L2((1.0, 1.0))

    @property
    def component_names(self) -> tuple[str, ...]:
        return "re", "im"

    def initial(self, x: Point) -> Value:
        re = self.amplitude / jnp.cosh(self.domain.wrap(x)[0])
        return jnp.stack([re, jnp.zeros_like(re)])

    def rhs(self, u: Field, t: Time, x: Point) -> Value:
        value = u(x)
        re, im = laplacian(u)(x) / 2 + jnp.sum(value**2) * value
        return jnp.stack([-im, re])

    def reference(self, t0: float) -> Reference:
        """Split steps in time, Fourier series in space."""
        from ..references import nonlinear_schroedinger

        (low,), (high,) = self.domain.lower, self.domain.upper
        solution = nonlinear_schroedinger(float(self.amplitude), high - low, low)
        return lambda t, points: solution(t - t0, points)

    @property
    def invariants(self) -> Mapping[str, Density]:
        """The integral of |h|^2."""
        return {"mass": lambda u, x: jnp.sum(u(x) ** 2)}
