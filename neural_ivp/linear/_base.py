"""The contract of velocity solvers: prepare once a step, solve once a stage."""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Float, Int, PRNGKeyArray

from .._types import Theta, Values
from ._linearisation import AbstractLinearisation


class Velocity(eqx.Module):
    """The solution v of one least-squares problem, and what is known of it.

    - `result`: `lineax.RESULTS`, successful or why not; `value` is the best iterate either way.
    - `iterations`: of the linear solver (0 for a direct one).
    - `products`: multiplications by M spent, the preconditioner's included.
    - `linear_residual`: |(M + mu I) v - F| / |F|.
    - `projection_residual`: |J v - f| / |f|, root mean squares over the points: what the
      network cannot follow.
    - `damping`: mu, absolute.
    """

    value: Theta
    result: lx.RESULTS
    iterations: Int[Array, ""]
    products: Int[Array, ""]
    linear_residual: Float[Array, ""]
    projection_residual: Float[Array, ""]
    damping: Float[Array, ""]


class AbstractVelocitySolver(eqx.Module):
    """Solves min_v mean |J v - f|^2 + mu |v|^2."""

    @abc.abstractmethod
    def prepare(self, linearisation: AbstractLinearisation, key: PRNGKeyArray) -> tuple[Any, int]:
        """What all stages of a step share (the preconditioner), and the products it took."""

    @abc.abstractmethod
    def damped(self, damping: float | Float[Array, ""]) -> "AbstractVelocitySolver":
        """The same solver with another relative damping, which may be traced."""

    @abc.abstractmethod
    def solve(
        self, linearisation: AbstractLinearisation, target: Values, guess: Theta, prepared: Any
    ) -> Velocity:
        """The velocity for the target f; `guess` is where an iteration starts."""


def relative_damping(given, dtype: Any):
    """The damping asked for, or one that solvers working with M can bear in this arithmetic."""
    if given is not None:
        return given
    return 1e-10 if dtype == jnp.float64 else 1e-6


def projection_residual(
    linearisation: AbstractLinearisation, v: Theta, f: Values
) -> Float[Array, ""]:
    """|J v - f| / |f| in the weighted mean square; 0 for a zero target that is met."""
    misfit = jnp.sum(linearisation.mean_square(linearisation.push(v) - f))
    size = jnp.sum(linearisation.mean_square(f))
    return jnp.where(misfit == 0, jnp.zeros_like(misfit), jnp.sqrt(misfit / size))
