"""Problems of second order in time: u_tt = a(u, u_t, t, x)."""

import abc
from collections.abc import Callable, Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import ArrayLike

from ..boundary import BoundaryConditions, BoundarySpec, conditions_with_rates
from ..calculus import L2, AbstractInnerProduct
from ..domains import AbstractDomain
from ..errors import InputError, check_positive_scalar
from ..types import Field, Point, Reference, Scalar, Value
from ._base import AbstractProblem, Density, check_problem
from ._functions import num_components, words


class AbstractSecondOrderProblem(AbstractProblem):
    """u_tt = acceleration(u, v, t, x) with v = u_t: the contract of waves.

    As a problem of first order its components are those of u and then those of v, in reports,
    errors and pictures as well. `solve` takes a network for u alone and gives both.
    """

    # Conditions of u, see `Problem`; those of v follow. None on a domain without faces.
    boundary: eqx.AbstractVar[BoundarySpec]

    @abc.abstractmethod
    def displacement(self, x: Point) -> Value:
        """u at the initial time at one point of shape (d,); shape (c,)."""

    @abc.abstractmethod
    def initial_velocity(self, x: Point) -> Value:
        """u_t at the initial time at one point; shape (c,)."""

    @abc.abstractmethod
    def acceleration(self, u: Field, v: Field, t: Scalar, x: Point) -> Value:
        """u_tt at one point, from the fields u(t, .) and u_t(t, .); shape (c,)."""

    def initial(self, x: Point) -> Value:
        return jnp.concatenate([self.displacement(x), self.initial_velocity(x)])

    def rhs(self, u: Field, t: Scalar, x: Point) -> Value:
        c = self.components // 2
        acceleration = self.acceleration(lambda x: u(x)[:c], lambda x: u(x)[c:], t, x)
        return jnp.concatenate([u(x)[c:], acceleration])

    @property
    def conditions(self) -> BoundaryConditions:
        c = self.components // 2
        return conditions_with_rates(self.domain.faces, self.domain.dimension, c, self.boundary)

    @property
    def component_names(self) -> tuple[str, ...]:
        return second_order_names(self.components // 2)

    @property
    def displacement_problem(self) -> AbstractProblem:
        """Domain, initial value and conditions of u alone, without an equation."""
        return _Displacement(self)  # pyright: ignore[reportCallIssue]


class _Displacement(AbstractProblem):
    whole: AbstractSecondOrderProblem

    @property
    def domain(self) -> AbstractDomain:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.whole.domain

    @property
    def components(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.whole.components // 2

    @property
    def boundary(self) -> BoundarySpec:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.whole.boundary

    @property
    def norm(self) -> AbstractInnerProduct:  # pyright: ignore[reportIncompatibleVariableOverride]
        return L2(self.whole.norm.scales[: self.components])

    @property
    def conditions(self) -> BoundaryConditions:
        by_face = self.whole.conditions.by_face
        return BoundaryConditions({face: own[: self.components] for face, own in by_face.items()})

    def initial(self, x: Point) -> Value:
        return self.whole.displacement(x)

    def rhs(self, u: Field, t: Scalar, x: Point) -> Value:
        del t
        return jnp.zeros_like(u(x))


class SecondOrderProblem(AbstractSecondOrderProblem):
    r"""$u_{tt} = a(u, u_t, t, x)$ with given u and u_t at ts[0], from plain functions of one point.

    `solve` represents u by one network and u_t by its tangent, so that u_t is the derivative of u
    at all times, and energy is lost only by the tolerances.

    **Arguments:**

    - `domain`: a `Box`, a `Torus`, a `ProductDomain`, or a `Ball`, an `Annulus`, a `LevelSet`.
    - `initial`: x of shape (d,) to u of shape (c,).
    - `initial_velocity`: x to u_t of shape (c,).
    - `acceleration`: (u, v, t, x) to u_tt of shape (c,); u and v are the fields u(t, .) and
      u_t(t, .), to be differentiated by `laplacian`, `grad`, `partial`, ...
    - `boundary`: conditions of u, as in `Problem`; u_t has their derivatives in time.
    - `time_scale`: the time over which u varies, in time units; residuals and errors are those of
      u and of u_t times it. Good values: a period over 2 pi, or width over speed of a pulse.
    - `norm`: of (u, u_t) instead, 2 c components.
    - `invariants`: densities of conserved quantities, functions of (u, x) of the field of (u, u_t).
    - `reference`: a function of (t, points of shape (n, d)) with values (u, u_t) of shape
      (n, 2 c); none if not given.
    - `component_names`: 2 c words; u, u_t if not given.
    - `name`: for reports and pictures.

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
    acceleration_function: Callable[[Field, Field, Scalar, Point], Value]
    components: int = eqx.field(static=True)
    boundary: BoundarySpec
    norm: AbstractInnerProduct
    densities: Mapping[str, Density]
    reference_function: Reference | None = eqx.field(static=True)
    words: tuple[str, tuple[str, ...]] = eqx.field(static=True)  # name, component_names

    def __init__(
        self,
        *,
        domain: AbstractDomain,
        initial: Callable[[Point], Value],
        initial_velocity: Callable[[Point], Value],
        acceleration: Callable[[Field, Field, Scalar, Point], Value],
        boundary: BoundarySpec = None,
        time_scale: ArrayLike = 1.0,
        norm: AbstractInnerProduct | None = None,
        invariants: Mapping[str, Density] | None = None,
        reference: Reference | None = None,
        component_names: Sequence[str] | None = None,
        name: str = "SecondOrderProblem",
    ):
        self.domain, self.boundary = domain, boundary
        c = num_components("initial", initial, domain)
        if (other := num_components("initial_velocity", initial_velocity, domain)) != c:
            raise InputError(
                f"`initial_velocity` has {other} component(s) and `initial` {c}: they are u_t and "
                "u of the same unknowns"
            )
        self.initial_function, self.velocity_function = initial, initial_velocity
        self.acceleration_function, self.components = acceleration, 2 * c
        self.norm = second_order_norm(c, time_scale) if norm is None else norm
        self.reference_function = reference
        self.words = words(name, component_names, second_order_names(c), reference)
        # Sorted, as JAX sorts a dict that goes through a compiled function.
        self.densities = dict(sorted((invariants or {}).items()))
        check_second_order(self)

    @property
    def name(self) -> str:
        return self.words[0]

    @property
    def component_names(self) -> tuple[str, ...]:
        return self.words[1]

    @property
    def invariants(self) -> Mapping[str, Density]:
        return self.densities

    def displacement(self, x: Point) -> Value:
        return self.initial_function(x)

    def initial_velocity(self, x: Point) -> Value:
        return self.velocity_function(x)

    def acceleration(self, u: Field, v: Field, t: Scalar, x: Point) -> Value:
        return self.acceleration_function(u, v, t, x)

    def reference(self, t0: float) -> Reference | None:
        del t0
        return self.reference_function


def second_order_norm(components: int, time_scale: ArrayLike) -> L2:
    """The norm of u and of the velocity times a time scale, u of size one."""
    check_positive_scalar("time_scale", time_scale)
    rate = 1 / jnp.asarray(time_scale, float)
    return L2(jnp.concatenate([jnp.ones(components), jnp.full(components, rate)]))


def second_order_names(components: int) -> tuple[str, ...]:
    if components == 1:
        return ("u", "u_t")
    return tuple(f"u{k}{rate}" for rate in ("", "_t") for k in range(components))


def check_second_order(problem: AbstractSecondOrderProblem) -> None:
    """Raise `InputError` unless the acceleration, traced only, has the shape of u."""
    c, dtype = problem.components // 2, jnp.result_type(float)
    x = jax.ShapeDtypeStruct((problem.domain.dimension,), dtype)
    t = jax.ShapeDtypeStruct((), dtype)
    parts = problem.displacement, problem.initial_velocity
    value = jax.eval_shape(lambda t, x: problem.acceleration(*parts, t, x), t, x)
    if jnp.shape(value) != (c,):
        raise InputError(
            f"the value of `acceleration` has shape {jnp.shape(value)}, expected ({c},): return an "
            "array with one entry per component for one point"
        )
    check_problem(problem)
