"""Conditions of u and of its velocity, for problems of second order in time."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from ..errors import InputError
from ..types import Point, Time
from ._conditions import (
    Absorbing,
    AbstractCondition,
    BoundaryValue,
    Dirichlet,
    Free,
    Neumann,
    Robin,
    constant_value,
    evaluated,
)


def with_rates(face: str, conditions: Sequence[AbstractCondition]) -> tuple[AbstractCondition, ...]:
    """The conditions of the components of u at a face, and after them those of u_t: their
    derivatives in time. `Absorbing` is one of u_t alone.

    **Raises:** `InputError` for another kind of condition, or a `Robin` whose a or b is a function.
    """
    pairs = [_pair(face, condition, k) for k, condition in enumerate(conditions)]
    return tuple(u for u, _ in pairs) + tuple(v for _, v in pairs)


def _pair(
    face: str, condition: AbstractCondition, k: int
) -> tuple[AbstractCondition, AbstractCondition]:
    """The conditions of the k-th component and of its velocity."""
    if isinstance(condition, Dirichlet):
        own, rate = _own(condition.value, k), _rate(condition.value, k)
        return Dirichlet(own), Dirichlet(rate)
    if isinstance(condition, Neumann):
        own, rate = _own(condition.slope, k), _rate(condition.slope, k)
        return Neumann(own), Neumann(rate)
    if isinstance(condition, Robin):
        a, b = constant_value(condition.a, k), constant_value(condition.b, k)
        if a is None or b is None:
            raise InputError(
                f"`a` and `b` of Robin at {face!r} must be numbers for a problem of second order "
                "in time: put what depends on time into `value`"
            )
        own, rate = _own(condition.value, k), _rate(condition.value, k)
        return Robin(a, b, own), Robin(a, b, rate)
    if isinstance(condition, Absorbing):
        return Free(), condition
    if isinstance(condition, Free):
        return Free(), Free()
    raise InputError(
        f"the condition at {face!r} is {condition!r}: a problem of second order in time takes "
        "Dirichlet, Neumann, Robin, Absorbing or Free"
    )


def _own(value: BoundaryValue, k: int) -> BoundaryValue:
    """A boundary value of the k-th component alone."""
    number = constant_value(value, k)
    if number is not None:
        return number

    def of_component(t: Time, x: Point):
        entries = evaluated(value, t, x)
        return entries[k] if entries.ndim else entries

    return of_component


def _rate(value: BoundaryValue, k: int) -> BoundaryValue:
    """The derivative of a boundary value in time."""
    own = _own(value, k)
    if not callable(own):
        return 0.0

    def rate(t: Time, x: Point):
        time = jnp.asarray(t, x.dtype)
        return jax.jvp(lambda t: own(t, x), (time,), (jnp.ones_like(time),))[1]

    return rate
