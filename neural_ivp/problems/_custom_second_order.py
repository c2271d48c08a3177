"""A problem of second order in time from plain functions."""

from collections.abc import Callable, Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import ArrayLike

from ..boundary import BoundarySpec
from ..calculus import L2, AbstractInnerProduct
from ..domains import AbstractDomain
from ..errors import InputError, check_kind, check_positive, check_shape
from ..types import Field, Point, Reference, Time, Value
from ._base import Density, check_problem, one_point, traced
from ._functions import check_function, densities, num_components, size_of, words
from ._given import AbstractGivenProblem
from ._indices import check_indices
from ._second_order import (
    AbstractSecondOrderProblem,
    second_order_names,
    second_order_norm,
)


class SecondOrderProblem(AbstractGivenProblem, AbstractSecondOrderProblem):
    r"""$u_{tt} = a(u, u_t, t, x)$ with given u and u_t at ts[0], from plain functions of one point.

    `solve` represents u by one network and u_t by its tangent, so that u_t is the derivative of u
    at all times, and energy is lost only by the tolerances.

    **Arguments:**

    - `domain`: a `Box`, a `Torus`, a `ProductDomain`, or a `Ball`, an `Annulus`, a `LevelSet`.
    - `initial`: x of shape (d,) to u of shape (c,).
    - `initial_velocity`: x to u_t of shape (c,).
    - `acceleration`: (u, v, t, x) to u_tt of shape (c,); u and v are the fields u(t, .) and
      u_t(t, .), to be differentiated by `laplacian`, `grad`, `partial`, ...
    - `boundary`: conditions of u, as in `Problem`, or `Absorbing`; u_t has their derivatives in
      time.
    - `time_scale`: the time over which u varies, in time units; residuals and errors are those of
      u and of u_t times it. Good values: a period over 2 pi, or width over speed of a pulse.
    - `norm`: an `L2` of (u, u_t) instead, 2 c scales. If not given, u counts as of size one, or of
      its largest initial value, to a power of ten, if that is above 10.
    - `invariants`: densities of conserved quantities, functions of (u, x) of the field of (u, u_t).
    - `reference`: a function of (t, points of shape (n, d)) with values (u, u_t) of shape
      (n, 2 c); none if not given.
    - `component_names`: 2 c words; u, u_t if not given.
    - `name`: for reports and pictures; that of the unknown, "u(t, x)", if not given.

    **Raises:** `InputError` for unsuitable shapes, or a face without a condition.

    ```python
    klein_gordon = nivp.SecondOrderProblem(
        domain=nivp.Torus((6.28,)), initial=lambda x: jnp.cos(x),
        initial_velocity=lambda x: 0 * x,
        acceleration=lambda u, v, t, x: nivp.laplacian(u)(x) - u(x))
    ```
    """

    domain: AbstractDomain
    initial_function: Callable[[Point], Value]
    velocity_function: Callable[[Point], Value]
    acceleration_function: Callable[[Field, Field, Time, Point], Value]
    components: int = eqx.field(static=True)
    boundary: BoundarySpec
    norm: AbstractInnerProduct

    def __init__(
        self,
        *,
        domain: AbstractDomain,
        initial: Callable[[Point], Value],
        initial_velocity: Callable[[Point], Value],
        acceleration: Callable[[Field, Field, Time, Point], Value],
        boundary: BoundarySpec = None,
        time_scale: ArrayLike = 1.0,
        norm: AbstractInnerProduct | None = None,
        invariants: Mapping[str, Density] | None = None,
        reference: Reference | None = None,
        component_names: Sequence[str] | None = None,
        name: str | None = None,
    ):
        self.domain, self.boundary = domain, boundary
        c = num_components("initial", initial, domain)
        if (other := num_components("initial_velocity", initial_velocity, domain)) != c:
            raise InputError(
                f"`initial_velocity` has {other} component(s) and `initial` {c}: they are u_t and "
                "u of the same unknowns"
            )
        check_function("`acceleration`", acceleration, "u, v, t, x")
        self.initial_function, self.velocity_function = initial, initial_velocity
        self.acceleration_function, self.components = acceleration, 2 * c
        if norm is None:
            check_positive("time_scale", time_scale)
            scale = jnp.asarray(time_scale, float)
            size = size_of(domain, initial, lambda x: scale * initial_velocity(x))
            norm = second_order_norm(c, time_scale, size)
        self.norm = norm
        check_kind("norm", self.norm, L2)
        fix = "those of u and then those of u_t"
        check_shape("`norm.scales`", self.norm.scales.shape, (2 * c,), fix)
        self.reference_function = reference
        self.words = words(name, component_names, second_order_names(c), reference, c)
        self.densities = densities(invariants)
        u, v = (one_point("acceleration", field) for field in (initial, initial_velocity))
        x = jax.ShapeDtypeStruct((domain.dimension,), jnp.result_type(float))
        t = jax.ShapeDtypeStruct((), x.dtype)
        traced("acceleration", lambda t, x: acceleration(u, v, t, x), t, x)
        check_problem(self)
        check_indices(self, "acceleration")

    def displacement(self, x: Point) -> Value:
        return self.initial_function(x)

    def initial_velocity(self, x: Point) -> Value:
        return self.velocity_function(x)

    def acceleration(self, u: Field, v: Field, t: Time, x: Point) -> Value:
        return self.acceleration_function(u, v, t, x)
