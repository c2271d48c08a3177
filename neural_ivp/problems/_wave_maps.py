"""Scalar waves on a curved space-time."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ..boundary import Dirichlet
from ..calculus import AbstractInnerProduct, grad, hessian
from ..domains import AbstractDomain, Box
from ..errors import check_positive, check_shape, finite_array
from ..types import Field, Point, Time, Value
from ._base import check_problem
from ._bump import bump
from ._metric import Metric, check_metric_values, check_signature
from ._second_order import AbstractSecondOrderProblem, second_order_norm


class Schwarzschild(eqx.Module):
    r"""The metric of a black hole in Cartesian-like coordinates, signature (-, +, +, +).

    $g_{tt} = -(1 - r_s / r)$ and $g_{ij} = \delta_{ij} + (1 / (1 - r_s / r) - 1) n_i n_j$ with
    $n = y / r$, r = |y| and y = x - centre.

    **Arguments:**

    - `radius`: r_s, length, positive.
    - `centre`: the position of the black hole, shape (3,).

    **Raises:** `InputError` for another radius or centre.

    ```python
    metric = nivp.problems.Schwarzschild(1.0, centre=(-2.0, 0.0, 0.0))
    metric(0.0, jnp.zeros(3))[0, 0]  # -0.5
    ```
    """

    radius: float = eqx.field(static=True, default=1.0)
    centre: tuple[float, ...] = eqx.field(static=True, default=(-2.0, 0.0, 0.0))

    def __check_init__(self):
        check_positive("radius", self.radius)
        check_shape("`centre`", finite_array("centre", self.centre).shape, (3,), "give x, y and z")

    def __call__(self, t: Time, x: Point) -> Float[Array, "m m"]:
        del t
        y = x - jnp.asarray(self.centre, x.dtype)
        r = jnp.sqrt(jnp.sum(y**2))
        n, lapse = y / r, 1 - self.radius / r
        space = jnp.eye(3, dtype=x.dtype) + (1 / lapse - 1) * jnp.outer(n, n)
        return jnp.zeros((4, 4), x.dtype).at[0, 0].set(-lapse).at[1:, 1:].set(space)


class WaveMaps(AbstractSecondOrderProblem):
    r"""$\Box_g u = 0$ for a metric g, from a bump at rest, u = 0 on the boundary.

    $g^{tt} u_{tt} = \Gamma^i u_i + \Gamma^t u_t - g^{ij} u_{ij} - 2 g^{ti} \partial_i u_t$ with
    $\Gamma^\mu = g^{\alpha \beta} \Gamma^\mu_{\alpha \beta}$, the Christoffel symbols by
    differentiation of g. The bump is that of `Wave`.

    **Arguments:**

    - `metric`: a function of (t, x) that returns g, shape (d + 1, d + 1), time first, with one
      negative eigenvalue; `Schwarzschild()` if not given, whose horizon touches the box.
    - `width`: of the bump, length, positive.
    - `domain`: [-1, 1]^3 if not given.

    **Raises:** `InputError` for a metric of another shape or one that is not symmetric; a solve,
    for one of another signature, or that degenerates within the domain at a time to save.

    Source: Finzi et al., ICLR 2023, section 5.3; Wald, "General relativity", 1984, section 3.1.

    ```python
    flat = lambda t, x: jnp.diag(jnp.array([-1.0, 1.0]))
    problem = nivp.problems.WaveMaps(flat, domain=nivp.Box((-1.0,), (1.0,)), width=0.1)
    ```
    """

    metric: Metric
    width: Float[Array, ""]
    domain: AbstractDomain
    components = 2
    boundary: Dirichlet | None
    norm: AbstractInnerProduct

    def __init__(
        self,
        metric: Metric | None = None,
        *,
        width: ArrayLike = 0.05,
        domain: AbstractDomain | None = None,
    ):
        self.domain = Box((-1.0,) * 3, (1.0,) * 3) if domain is None else domain
        self.metric = Schwarzschild() if metric is None else metric
        check_positive("width", width)
        self.width = jnp.asarray(width, float)
        self.boundary = Dirichlet(0.0) if self.domain.faces else None
        self.norm = second_order_norm(1, self.width)
        check_metric_values(self.metric, self.domain)
        check_problem(self)

    def check_times(self, times: np.ndarray) -> None:
        """**Raises:** `InputError` where the metric degenerates in the domain at a time."""
        for t in times:
            check_signature(self.metric, self.domain, float(t))

    def displacement(self, x: Point) -> Value:
        return bump(x, self.domain, self.width)[None]

    def initial_velocity(self, x: Point) -> Value:
        return jnp.zeros((1,), x.dtype)

    def acceleration(self, u: Field, v: Field, t: Time, x: Point) -> Value:
        event = jnp.concatenate([jnp.asarray(t, x.dtype)[None], x])

        def metric(event):
            return self.metric(event[0], event[1:])

        inverse, slopes = jnp.linalg.inv(metric(event)), jax.jacfwd(metric)(event)
        # Slopes[a, b, c] = d_c g_ab.
        trace = jnp.einsum("ac,abc->b", inverse, slopes)
        connection = inverse @ (trace - jnp.einsum("ab,abc->c", inverse, slopes) / 2)
        space, mixed = inverse[1:, 1:], inverse[0, 1:]
        rest = jnp.sum(space * hessian(u)(x)[0]) + 2 * mixed @ grad(v)(x)[0]
        rest = rest - connection[1:] @ grad(u)(x)[0] - connection[0] * v(x)[0]
        return -rest[None] / inverse[0, 0]
