"""The contract of velocity solvers: `setup` once a step, `solve` once a stage."""

import abc
import functools
from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...types import Theta, Values
from ..linearisation import AbstractLinearisation
from ..numerics import RESULTS, DampingLike, Spectrum, damping_value, safe_ratio


class VelocityInfo(eqx.Module):
    """Statistics of one solve.

    - `iterations`: those of the linear solver (0 for a direct one).
    - `products`: multiplications by M, without those of `setup`.
    - `rebuilds`: preconditioners built in the solve.
    - `linear_residual`: |(M + mu I) v - F| / |F|.
    - `projection_residual`: |J v - f| / |f|, root mean squares over the points.
    - `held_out_residual`: the same on the points of `held_out`; None without them.
    - `damping`: mu, absolute.
    - `largest`: largest eigenvalue of M.
    - `effective_rank`: estimate of the sum of lambda / (lambda + mu) over the eigenvalues of M,
      those of the preconditioner where there is one; None from an iteration without one.
    - `condition`: estimate of the condition number of the system; from iterative solvers the
      upper bound (largest + mu) / mu.
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

    - `value`: v, the best iterate; finite whatever the result.
    - `result`: one of `neural_ivp.RESULTS`.
    - `info`: a `VelocityInfo`.
    """

    value: Theta
    result: RESULTS
    info: VelocityInfo


class SolverSetup(eqx.Module):
    """The part of a solver that the stages of a step share.

    - `state`: depends on the solver.
    - `products`: multiplications by M that it took.
    - `rebuilds`: preconditioners built.
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

    `setup` is called at the first stage of a step, `solve` at each stage; `solve_velocity` calls
    both.

    - `oversampling`: points of the sampler for each point of a step, among which
      `leverage_scores` choose.
    """

    oversampling: ClassVar[int] = 1

    @abc.abstractmethod
    def setup(
        self, linearisation: AbstractLinearisation, velocity: Theta, key: PRNGKeyArray
    ) -> SolverSetup:
        """Return what all stages of a step share, such as random choices and a preconditioner.

        **Arguments:**

        - `linearisation`: J at the first stage.
        - `velocity`: that at the end of the previous step, of shape (p,).
        - `key`: that of the random choices.
        """

    @abc.abstractmethod
    def solve(
        self,
        linearisation: AbstractLinearisation,
        target: Values,
        velocity: Theta,
        setup: SolverSetup,
    ) -> Velocity:
        """Return the velocity of one stage.

        **Arguments:**

        - `linearisation`: J at this stage.
        - `target`: f at the points, of shape (n, q).
        - `velocity`: the start of an iteration, of shape (p,).
        - `setup`: the result of `setup` for this step.
        """

    def leverage_scores(
        self, linearisation: AbstractLinearisation, setup: SolverSetup
    ) -> Float[Array, " n"]:
        """Return how much each point counts in the least squares, for `oversampling` above 1.

        **Arguments:**

        - `linearisation`: J at other points than that of `setup`.
        - `setup`: the result of `setup` for this step.
        """
        # Never called for the others, which take all points of the sampler.
        raise NotImplementedError(f"{type(self).__name__} does not choose points")

    @abc.abstractmethod
    def with_damping(self, damping: DampingLike) -> "AbstractVelocitySolver":
        """Return the solver with another damping, which may be traced."""


class AbstractDampedSolver(AbstractVelocitySolver):
    """A solver with a field `damping`."""

    damping: eqx.AbstractVar[DampingLike]

    def with_damping(self, damping: DampingLike) -> "AbstractDampedSolver":
        return eqx.tree_at(lambda s: s.damping, self, damping, is_leaf=lambda x: x is None)

    def damping_of(self, largest: Float[Array, ""]) -> Float[Array, ""]:
        """mu for the largest eigenvalue of M."""
        return damping_value(self.damping, largest)


class AbstractDirectSolver(AbstractDampedSolver):
    """A solver that factors a matrix at each stage; the stages share the key."""

    def setup(
        self, linearisation: AbstractLinearisation, velocity: Theta, key: PRNGKeyArray
    ) -> SolverSetup:
        return SolverSetup(key)


def in_units_of_the_target(solve: Callable[..., Velocity]) -> Callable[..., Velocity]:
    """Return `solve` with f and the velocity scaled by 2^-k, 2^k <= max |f|, and v scaled back.

    The scaling is exact, and keeps f^2 within the range of the dtype.
    """

    @functools.wraps(solve)
    def scaled(self, linearisation, target, velocity, setup) -> Velocity:
        largest = jax.lax.stop_gradient(jnp.max(jnp.abs(target)))
        usable = jnp.isfinite(largest) & (largest > 0)
        _, power = jnp.frexp(jnp.where(usable, largest, jnp.ones_like(largest)))
        power = power - 1
        target, velocity = jnp.ldexp(target, -power), jnp.ldexp(velocity, -power)
        solution = solve(self, linearisation, target, velocity, setup)
        return eqx.tree_at(lambda v: v.value, solution, jnp.ldexp(solution.value, power))

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
    """Return the velocity with its statistics; it is 0 where something is not finite."""
    finite_value = jnp.all(jnp.isfinite(value))
    result = RESULTS.where(finite_value, result, RESULTS.factorisation_failed)
    finite_jacobian = jnp.isfinite(spectrum.damping + spectrum.largest)
    finite_jacobian &= jnp.all(jnp.isfinite(linearisation.values))
    result = RESULTS.where(finite_jacobian, result, RESULTS.nonfinite_jacobian)
    finite_target = jnp.all(jnp.isfinite(target))
    result = RESULTS.where(finite_target, result, RESULTS.nonfinite_target)
    finite = finite_value & finite_jacobian & finite_target
    value = jnp.where(finite, value, jnp.zeros_like(value))
    effective_rank = spectrum.effective_rank
    if effective_rank is not None:  # a random estimate, which may exceed what a rank can be
        most = min(linearisation.num_parameters, linearisation.values.size)
        effective_rank = jnp.clip(effective_rank, 0, most)
    info = VelocityInfo(
        iterations=jnp.asarray(iterations, jnp.int32),
        products=jnp.asarray(products, jnp.int32),
        rebuilds=jnp.asarray(rebuilds, jnp.int32),
        linear_residual=linear_residual,
        projection_residual=projection_residual(linearisation, value, target),
        damping=spectrum.damping,
        largest=spectrum.largest,
        effective_rank=effective_rank,
        condition=spectrum.condition,
    )
    return Velocity(value, result, info)


def projection_residual(
    linearisation: AbstractLinearisation, v: Theta, f: Values
) -> Float[Array, ""]:
    """Return |J v - f| / |f| in the weighted root mean square; 0 where J v = f = 0."""
    # In units of the largest entry, whose square may leave the range of the dtype.
    unit = jnp.max(jnp.abs(f))
    unit = jnp.where(unit == 0, jnp.ones_like(unit), unit)
    misfit = jnp.sum(linearisation.mean_square((linearisation.push(v) - f) / unit))
    size = jnp.sum(linearisation.mean_square(f / unit))
    return safe_ratio(jnp.sqrt(misfit), jnp.sqrt(size))
