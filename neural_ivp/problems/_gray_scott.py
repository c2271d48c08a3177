"""An autocatalytic reaction, whose pulses split."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ..calculus import L2, AbstractInnerProduct, laplacian
from ..domains import Torus
from ..errors import check_all_positive, check_positive, check_shape
from ..types import Field, Point, Reference, Time, Value
from ._base import AbstractProblem


class GrayScott(AbstractProblem):
    r"""The Gray-Scott reaction $u_t = D_u u_{xx} - u v^2 + F (1 - u)$ and its catalyst v.

    $v_t = D_v v_{xx} + u v^2 - (F + k) v$ on [0, 2), periodic, from $u_0 = 1 - b / 2$ and $v_0 = b
    / 4$ with $b = e^{-80 (x - 1)^2}$. u and v are concentrations in units of that of the feed. The
    reference is pseudo-spectral; patterns take a time of 100 and more.

    **Arguments:**

    - `diffusivities`: (D_u, D_v), length^2 / time, positive. Pulses are a
      few sqrt(D_v / (F + k)) wide; a network does not resolve those much narrower than the domain.
    - `feed`: F, 1 / time, not negative.
    - `kill`: k, 1 / time, not negative.

    **Raises:** `InputError` for a diffusivity that is not positive, or a negative rate.

    Source: Pearson, "Complex patterns in a simple system", Science, 1993.

    ```python
    problem = nivp.problems.GrayScott(feed=0.03)
    problem.initial(jnp.ones(1))  # (u, v), of shape (2,)
    ```
    """

    diffusivities: Float[Array, " 2"]
    feed: Float[Array, ""]
    kill: Float[Array, ""]
    domain: Torus
    components = 2
    boundary = None
    norm: AbstractInnerProduct

    def __init__(
        self,
        *,
        diffusivities: Sequence[float] | Array = (2e-3, 1e-3),
        feed: ArrayLike = 0.04,
        kill: ArrayLike = 0.06,
    ):
        check_all_positive("diffusivities", diffusivities)
        check_positive("feed", feed, zero=True)
        check_positive("kill", kill, zero=True)
        self.diffusivities = jnp.asarray(diffusivities, float)
        check_shape("`diffusivities`", self.diffusivities.shape, (2,), "one for u and one for v")
        self.feed, self.kill = jnp.asarray(feed, float), jnp.asarray(kill, float)
        self.domain = Torus((2.0,))
        self.norm = L2((1.0, 0.25))

    def initial(self, x: Point) -> Value:
        bump = jnp.exp(-80 * (self.domain.wrap(x)[0] - 1) ** 2)
        return jnp.stack([1 - bump / 2, bump / 4])

    def rhs(self, u: Field, t: Time, x: Point) -> Value:
        food, catalyst = u(x)
        reaction = food * catalyst**2
        gain = self.feed * (1 - food) - reaction
        loss = reaction - (self.feed + self.kill) * catalyst
        return self.diffusivities * laplacian(u)(x) + jnp.stack([gain, loss])

    def reference(self, t0: float) -> Reference:
        """Fourier series in space and ETDRK4 in time."""
        from ..references import gray_scott

        u, v = (float(rate) for rate in np.asarray(self.diffusivities))
        solution = gray_scott((u, v), float(self.feed), float(self.kill))
        return lambda t, points: solution(t - t0, points)
