"""The solution of one least-squares problem, and what is known of it."""

import functools
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._types import Theta, Values
from ._linearisation import AbstractLinearisation
from ._results import RESULTS


class VelocityInfo(eqx.Module):
    """What a solver knows of its solution.

    - `iterations`: of the linear solver (0 for a direct one).
    - `products`: multiplications by M spent in the solve (what `prepare` spent is not in it).
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


def in_units_of_the_target(solve: Callable[..., Velocity]) -> Callable[..., Velocity]:
    """`solve` of a solver for f of any size, whose squares may leave the range of the dtype.

    f and guess are divided by the power of two next below max |f|, which rounds nothing.
    """

    @functools.wraps(solve)
    def scaled(self, linearisation, target, guess, prepared) -> Velocity:
        largest = jax.lax.stop_gradient(jnp.max(jnp.abs(target)))
        usable = jnp.isfinite(largest) & (largest > 0)
        _, power = jnp.frexp(jnp.where(usable, largest, jnp.ones_like(largest)))
        power = power - 1
        found = solve(
            self, linearisation, jnp.ldexp(target, -power), jnp.ldexp(guess, -power), prepared
        )
        return eqx.tree_at(lambda v: v.value, found, jnp.ldexp(found.value, power))

    return scaled


class Spectrum(eqx.Module):
    """What a solver learned of the eigenvalues of M; the names are those of `VelocityInfo`."""

    damping: Float[Array, ""]
    largest: Float[Array, ""]
    effective_rank: Float[Array, ""] | None
    condition: Float[Array, ""]


def finish(
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
    return ratio(jnp.sqrt(misfit), jnp.sqrt(size))


def ratio(part: Float[Array, ""], whole: Float[Array, ""]) -> Float[Array, ""]:
    """part / whole, and 0 / 0 = 0: what is met exactly has no residual."""
    met = part == 0
    return jnp.where(met, jnp.zeros_like(part), part / jnp.where(met, jnp.ones_like(whole), whole))
