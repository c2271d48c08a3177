"""Closed forms of problems of second order in time."""

import abc

import jax
import jax.numpy as jnp

from ..calculus import grad
from ..types import Field, Point, Scalar, Time, Value
from ._base import AbstractExactProblem


class AbstractExactMotion(AbstractExactProblem):
    """The part of an `AbstractSecondOrderProblem` whose u is known in closed form: u_t is its
    derivative in time, by JAX."""

    @abc.abstractmethod
    def exact_displacement(self, t: Time, x: Point) -> Value:
        """u at one point and the time t after the initial one; shape (c,)."""

    def exact(self, t: Time, x: Point) -> Value:
        time, one = jnp.asarray(t, x.dtype), jnp.ones((), x.dtype)
        return jnp.concatenate(jax.jvp(lambda t: self.exact_displacement(t, x), (time,), (one,)))


def string_energy(u: Field, x: Point, speed: Scalar) -> Scalar:
    """(u_t^2 + speed^2 |grad u|^2) / 2 from a field of (u, u_t), each of one component."""
    slope = speed.astype(x.dtype) * grad(u)(x)[0]
    return (u(x)[1] ** 2 + jnp.sum(slope**2)) / 2
