"""The contract of a problem: u_t = L[u] on a domain, with u = u0 at the initial time."""

import abc
from collections.abc import Callable, Mapping
from typing import TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp

from ..calculus import AbstractInnerProduct
from ..domains import AbstractDomain
from ..errors import InputError, check_shape
from ..types import Field, Point, Scalar, Value

# (u, x) to rho[u](x), one number.
Density: TypeAlias = Callable[[Field, Point], Scalar]


class AbstractProblem(eqx.Module):
    """An initial-value problem u_t = rhs(u, t, x), written for one point.

    Physical coefficients are array leaves: another value does not recompile, and a gradient with
    respect to the problem is one with respect to them.
    """

    domain: eqx.AbstractVar[AbstractDomain]
    components: eqx.AbstractVar[int]
    # Whether u = 0 on the boundary: networks are then wrapped in HardDirichlet.
    zero_boundary: eqx.AbstractVar[bool]
    # The norm of the projection of the right-hand side and of the error of a step.
    norm: eqx.AbstractVar[AbstractInnerProduct]

    @abc.abstractmethod
    def initial(self, x: Point) -> Value:
        """u0 at one point of shape (d,); shape (c,)."""

    @abc.abstractmethod
    def rhs(self, u: Field, t: Scalar, x: Point) -> Value:
        """L[u](t, x) at one point, from the field u(t, .); shape (c,)."""

    @property
    def invariants(self) -> Mapping[str, Density]:
        """Densities whose integrals over the domain the equation conserves, by name."""
        return {}


class AbstractExactProblem(AbstractProblem):
    """A problem whose solution is known in closed form."""

    @abc.abstractmethod
    def exact(self, t: Scalar, x: Point) -> Value:
        """u(t, x) at one point; shape (c,)."""


def check_problem(problem: AbstractProblem) -> None:
    """Raise `InputError` unless initial value and right-hand side, traced only, have shape (c,)."""
    c = problem.components
    dtype = jnp.result_type(float)
    x = jax.ShapeDtypeStruct((problem.domain.dimension,), dtype)
    t = jax.ShapeDtypeStruct((), dtype)
    value = jax.eval_shape(problem.initial, x)
    fix = f"return an array with one entry per component ({c}) for one point"
    check_shape("the value of `initial`", jnp.shape(value), (c,), fix)
    _check_real("initial", value)
    rate = jax.eval_shape(lambda t, x: problem.rhs(problem.initial, t, x), t, x)
    check_shape("the value of `rhs`", jnp.shape(rate), (c,), fix)
    _check_real("rhs", rate)
    for name, density in problem.invariants.items():
        value = jax.eval_shape(lambda x, density=density: density(problem.initial, x), x)
        subject = f"the value of the density {name!r} of `invariants`"
        check_shape(subject, jnp.shape(value), (), "return one number for one point")


def _check_real(name: str, value: jax.ShapeDtypeStruct) -> None:
    if jnp.issubdtype(value.dtype, jnp.complexfloating):
        raise InputError(
            f"the value of `{name}` is complex: make real and imaginary part two components. For "
            "i u_t = -u_xx / 2: initial = jnp.stack([real, imaginary]) and, with "
            "a = nivp.laplacian(u)(x), rhs = jnp.stack([-a[1], a[0]]) / 2"
        )
