"""The contract of velocity solvers: `setup` once a step, `solve` once a stage, a `Velocity`."""

import abc
import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...types import Theta, Values
from ..linearisation import AbstractLinearisation
from ..numerics import RESULTS, DampingLike, Spectrum, damping_value, safe_ratio


class VelocityInfo(eqx.Module):
    """What a solver knows of its solution.

    - `iterations`: of the linear solver (0 for a direct one).
    - `products`: multiplications by M spent in the solve (what `setup` spent is not in it).
    - `rebuilds`: preconditioners built in the solve.
    - `linear_residual`: |(M + mu I) v - F| / |F|.
    - `projection_residual`: |J v - f| / |f|, root mean squares over the points: what the
      network cannot follow.
    - `held_out_residual`: the same on points the solver has not seen, where some were given.
    - `damping`: mu, absolute.
    - `largest`: largest eigenvalue of M.
    - `effective_rank`: the sum of lambda / (lambda + mu) over the eigenvalues of M, estimated:
      how many directions the damping leaves free. From a sketch, those it sees; None from an
      iteration without one.
    - `condition`: of the system that was solved, estimated; (largest + mu) / mu from iterative
      solvers, which is an upper bound.
    """

    iterations: Int[Array, ""]
    products: Int[Array, ""]
    rebuilds: Int[Array, ""]
    linear_residual: Float[Array, ""]
    projection_residual: Float[Array, ""]
    damping: Float[Array, ""]
    largest: Float[Array, ""]
    effective_rank: Float[Array, ""] | None
    condition: Float[Array, ""]
    held_out_residual: Float[Array, ""] | None = None

    def __repr__(self) -> str:
        return eqx.tree_pformat(self, short_arrays=False)


class Velocity(eqx.Module):
    """The solution v of one least-squares problem.

    - `value`: v; the best iterate, always finite, whatever the result.
    - `result`: of `neural_ivp.RESULTS`, successful or why not.
    - `info`: see `VelocityInfo`.
    """

    value: Theta
    result: RESULTS
    info: VelocityInfo


class SolverSetup(eqx.Module):
    """What the stages of a step share.

    - `state`: the solver's own.
    - `products`: multiplications by M that it took.
    - `rebuilds`: preconditioners that were built.
    """

    state: Any
    products: Int[Array, ""]
    rebuilds: Int[Array, ""]

    def __init__(
        self,
        state: Any,
        products: int | Int[Array, ""] = 0,
        rebuilds: int | Int[Array, ""] = 0,
    ):
        self.state = state
        self.products = jnp.asarray(products, jnp.int32)
        self.rebuilds = jnp.asarray(rebuilds, jnp.int32)


class AbstractVelocitySolver(eqx.Module):
    r"""Solves $\min_v \overline{|J v - f|^2} + \mu |v|^2$.

    `setup` is called once a step, at its first stage, and `solve` for each stage, where J has
    changed a little. `solve_velocity` is both for one problem.
    """

    @abc.abstractmethod
    def setup(
        self, linearisation: AbstractLinearisation, velocity: Theta, key: PRNGKeyArray
    ) -> SolverSetup:
        """What all stages of a step share: random choices, a preconditioner.

        **Arguments:**

        - `linearisation`: J at the first stage.
        - `velocity`: that with which the step before ended, of shape (p,).
        - `key`: of the random choices.
        """

    @abc.abstractmethod
    def solve(
        self,
        linearisation: AbstractLinearisation,
        target: Values,
        velocity: Theta,
        setup: SolverSetup,
    ) -> Velocity:
        """The velocity of one stage.

        **Arguments:**

        - `linearisation`: J at this stage.
        - `target`: f at the points, of shape (n, q).
        - `velocity`: where an iteration starts, of shape (p,).
        - `setup`: what `setup` returned for this step.
        """

    @abc.abstractmethod
    def with_damping(self, damping: DampingLike) -> "AbstractVelocitySolver":
        """The same solver with another damping, which may be traced."""


class AbstractDampedSolver(AbstractVelocitySolver):
    """A solver that holds its damping itself."""

    damping: eqx.AbstractVar[DampingLike]

    def with_damping(self, damping: DampingLike) -> "AbstractDampedSolver":
        return eqx.tree_at(lambda s: s.damping, self, damping, is_leaf=lambda x: x is None)

    def damping_of(self, largest: Float[Array, ""]) -> Float[Array, ""]:
        """mu for the largest eigenvalue of M."""
        return damping_value(self.damping, largest)


class AbstractDirectSolver(AbstractDampedSolver):
    """A solver that factors a matrix; a key is all that the stages of a step share."""

    def setup(
        self, linearisation: AbstractLinearisation, velocity: Theta, key: PRNGKeyArray
    ) -> SolverSetup:
        return SolverSetup(key)


def in_units_of_the_target(solve: Callable[..., Velocity]) -> Callable[..., Velocity]:
    """`solve` of a solver for f of any size, whose squares may leave the range of the dtype.

    f and the velocity to start from are divided by the power of two next below max |f|, which
    rounds nothing.
    """

    @functools.wraps(solve)
    def scaled(self, linearisation, target, velocity, setup) -> Velocity:
        largest = jax.lax.stop_gradient(jnp.max(jnp.abs(target)))
        usable = jnp.isfinite(largest) & (largest > 0)
        _, power = jnp.frexp(jnp.where(usable, largest, jnp.ones_like(largest)))
        power = power - 1
        found = solve(
            self, linearisation, jnp.ldexp(target, -power), jnp.ldexp(velocity, -power), setup
        )
        return eqx.tree_at(lambda v: v.value, found, jnp.ldexp(found.value, power))

    return scaled


def make_velocity(
    linearisation: AbstractLinearisation,
    target: Values,
    value: Theta,
    result: RESULTS,
    linear_residual: Float[Array, ""],
    spectrum: Spectrum,
    *,
    iterations: int | Int[Array, ""] = 0,
    products: int | Int[Array, ""] = 0,
    rebuilds: int = 0,
) -> Velocity:
    """The velocity with its measures, or zero and the reason why there is none."""
    sound = jnp.all(jnp.isfinite(value))
    result = RESULTS.where(sound, result, RESULTS.factorisation_failed)
    flat = jnp.isfinite(spectrum.damping + spectrum.largest)
    flat &= jnp.all(jnp.isfinite(linearisation.values))
    result = RESULTS.where(flat, result, RESULTS.nonfinite_jacobian)
    finite = jnp.all(jnp.isfinite(target))
    result = RESULTS.where(finite, result, RESULTS.nonfinite_target)
    value = jnp.where(sound & flat & finite, value, jnp.zeros_like(value))
    info = VelocityInfo(
        iterations=jnp.asarray(iterations, jnp.int32),
        products=jnp.asarray(products, jnp.int32),
        rebuilds=jnp.asarray(rebuilds, jnp.int32),
        linear_residual=linear_residual,
        projection_residual=projection_residual(linearisation, value, target),
        damping=spectrum.damping,
        largest=spectrum.largest,
        effective_rank=_within(spectrum.effective_rank, linearisation),
        condition=spectrum.condition,
    )
    return Velocity(value, result, info)


def _within(rank, linearisation: AbstractLinearisation):
    """The estimate of a rank, which is random, no larger than a rank can be."""
    if rank is None:
        return None
    return jnp.clip(rank, 0, min(linearisation.num_parameters, linearisation.values.size))


def projection_residual(
    linearisation: AbstractLinearisation, v: Theta, f: Values
) -> Float[Array, ""]:
    """|J v - f| / |f| in the weighted mean square; 0 for a zero target that is met."""
    # In units of the largest entry, whose square may leave the range of the dtype.
    unit = jnp.max(jnp.abs(f))
    unit = jnp.where(unit == 0, jnp.ones_like(unit), unit)
    misfit = jnp.sum(linearisation.mean_square((linearisation.push(v) - f) / unit))
    size = jnp.sum(linearisation.mean_square(f / unit))
    return safe_ratio(jnp.sqrt(misfit), jnp.sqrt(size))
