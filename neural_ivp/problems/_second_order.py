"""Problems of second order in time: u_tt = a(u, u_t, t, x)."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import ArrayLike

from ..boundary import (
    SECOND_ORDER_CHOICES,
    BoundaryConditions,
    BoundarySpec,
    resolve_boundary,
    with_rates,
)
from ..calculus import L2, AbstractInnerProduct
from ..domains import AbstractDomain
from ..errors import check_positive
from ..types import Field, Point, Time, Value
from ._base import AbstractProblem, check_array, check_value


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
    def acceleration(self, u: Field, v: Field, t: Time, x: Point) -> Value:
        """u_tt at one point, from the fields u(t, .) and u_t(t, .); shape (c,)."""

    def initial(self, x: Point) -> Value:
        velocity = self.initial_velocity(x)
        check_array("initial_velocity", velocity)
        check_value("initial_velocity", velocity, self.components // 2)
        return jnp.concatenate([self.displacement(x), velocity])

    def rhs(self, u: Field, t: Time, x: Point) -> Value:
        c = self.components // 2
        acceleration = self.acceleration(lambda x: u(x)[:c], lambda x: u(x)[c:], t, x)
        check_array("acceleration", acceleration)
        check_value("acceleration", acceleration, c)
        return jnp.concatenate([u(x)[c:], acceleration])

    @property
    def conditions(self) -> BoundaryConditions:
        domain, c = self.domain, self.components // 2
        parts = domain.faces, domain.dimension, c, self.boundary
        given = resolve_boundary(*parts, choices=SECOND_ORDER_CHOICES).by_face
        return BoundaryConditions({face: with_rates(face, own) for face, own in given.items()})

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

    def rhs(self, u: Field, t: Time, x: Point) -> Value:
        del t
        return jnp.zeros_like(u(x))


def second_order_norm(components: int, time_scale: ArrayLike, size: float = 1.0) -> L2:
    """The norm of u and of the velocity times a time scale, in units of the size of u."""
    check_positive("time_scale", time_scale)
    rate = size / jnp.asarray(time_scale, float)
    return L2(jnp.concatenate([jnp.full(components, size), jnp.full(components, rate)]))


def second_order_names(components: int) -> tuple[str, ...]:
    if components == 1:
        return ("u", "u_t")
    return tuple(f"u{k}{rate}" for rate in ("", "_t") for k in range(components))
