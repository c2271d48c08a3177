"""Fokker-Planck equations: the contract, and the equation for u and for log u."""

import abc
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..calculus import grad, second_along
from ..densities import DiffusionProcess
from ..types import Field, Point, Scalar, Time, Value
from ._base import AbstractProblem


class AbstractDensityProblem(AbstractProblem):
    r"""$u_t = -\nabla \cdot (b u) + \sum_{ij} \partial_i \partial_j (D_{ij} u)$.

    u is the density of the process $dX = b \, dt + \sqrt{2 D} \, dW$ (Ito), times a constant.
    """

    components = 1

    @property
    @abc.abstractmethod
    def process(self) -> DiffusionProcess:
        """The process, with the density of X at first."""

    def initial(self, x: Point) -> Value:
        return jnp.exp(self.process.initial.log_density(x))[None]

    def rhs(self, u: Field, t: Time, x: Point) -> Value:
        terms = self.terms(t, x)
        slope = grad(u)(x)
        return terms.growth * u(x) + slope @ terms.transport + second_along(u, terms.root, x)

    def log_rhs(self, log_u: Callable[[Point], Scalar], t: Time, x: Point) -> Scalar:
        r"""$\partial_t \log u$ from log u, both functions of one point."""
        terms = self.terms(t, x)
        return terms.log_rate(jax.grad(log_u)(x), second_along(log_u, terms.root, x))

    def terms(self, t: Time, x: Point) -> "Terms":
        """The coefficients of the equation at one point."""
        return _terms(self.process, t, x)


class Terms(eqx.Module):
    """The equation in the form growth u + transport . grad u + D : Hessian of u, D = R R^T."""

    growth: Scalar
    transport: Float[Array, " d"]
    root: Float[Array, "d d"]

    def log_rate(self, slope: Float[Array, " d"], second: Scalar) -> Scalar:
        """The rate of log u from its gradient, and the sum of its second derivatives along the
        columns of R."""
        spread = jnp.sum((slope @ self.root) ** 2)
        return self.growth + slope @ self.transport + second + spread


def _terms(process: DiffusionProcess, t: Time, x: Point) -> Terms:
    def drift(x):
        return jnp.asarray(process.drift(t, x), x.dtype)

    growth, transport = -jnp.trace(jax.jacfwd(drift)(x)), -drift(x)
    if process.constant is not None:
        return Terms(growth, transport, process.root(t, x))

    def slopes(x):
        # The divergence of the rows of D.
        return jnp.einsum("iji->j", jax.jacfwd(lambda x: process.diffusion(t, x))(x))

    growth = growth + jnp.trace(jax.jacfwd(slopes)(x))
    return Terms(growth, transport + 2 * slopes(x), process.root(t, x))
