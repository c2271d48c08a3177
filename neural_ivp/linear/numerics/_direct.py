"""Cholesky factorisation of A + mu I, and estimates of its spectrum."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Float, PRNGKeyArray

from ._power_iteration import power_iteration, random_signs
from ._symmetric import Cholesky, Symmetric

Inverse = Callable[[Float[Array, " m"]], Float[Array, " m"]]


class Spectrum(eqx.Module):
    """Estimates of the eigenvalues of M.

    - `damping`: mu, absolute.
    - `largest`: the largest eigenvalue.
    - `effective_rank`: the sum of lambda / (lambda + mu), estimated; None if unknown.
    - `condition`: condition number of M + mu I, estimated.
    """

    damping: Float[Array, ""]
    largest: Float[Array, ""]
    effective_rank: Float[Array, ""] | None
    condition: Float[Array, ""]


def factor_damped(
    matrix: Symmetric,
    damping_of: Callable[[Float[Array, ""]], Float[Array, ""]],
    key: PRNGKeyArray,
) -> tuple[Symmetric, Inverse, Spectrum]:
    """Return `matrix` + mu I, its inverse by Cholesky, and its spectrum."""
    structure = jax.eval_shape(lambda: jnp.diagonal(matrix.upper))
    starts = random_signs(key, structure.size, structure.dtype)
    largest = power_iteration(lambda v: matrix @ v, starts[0])
    mu = damping_of(largest)
    damped = matrix.add_scaled_identity(mu)
    operator = lx.FunctionLinearOperator(
        lambda v: damped @ v, structure, lx.positive_semidefinite_tag
    )
    state = damped.factor()

    def inverse(b):
        return lx.linear_solve(operator, b, Cholesky(), state=state, throw=False).value

    return damped, inverse, estimated_spectrum(inverse, starts, mu, largest)


def estimated_spectrum(
    inverse: Inverse, starts: Float[Array, "4 m"], damping, largest: Float[Array, ""]
) -> Spectrum:
    """Return the spectrum from two block solves with A + mu I: tr(A (A + mu I)^-1) by Hutchinson's
    estimate, and an upper estimate of the smallest eigenvalue by inverse iteration."""
    inverse = jax.vmap(inverse)
    once = inverse(starts)
    rank = starts.shape[1] - damping * jnp.mean(jnp.sum(starts * once, axis=1))
    twice = inverse(once)
    growth = jnp.max(jnp.linalg.norm(twice, axis=1) / jnp.linalg.norm(once, axis=1))
    return Spectrum(damping, largest, rank, (largest + damping) * growth)
