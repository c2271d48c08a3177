"""What the direct solvers share: a factored matrix A + mu I that answers many right-hand sides."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Float, PRNGKeyArray

from .._types import Theta, Values
from ._base import AbstractDamped, Prepared
from ._damping import Damping, absolute
from ._linearisation import AbstractLinearisation
from ._linearise import power_iteration
from ._symmetric import Cholesky, Symmetric
from ._velocity import Spectrum

Inverse = Callable[[Float[Array, " m"]], Float[Array, " m"]]


def probes(key: PRNGKeyArray, size: int, dtype) -> Float[Array, "4 m"]:
    """Random signs: starts of power iterations, and for the trace in the effective rank.

    Folded once more, since a key that drew the points too would make signs that follow them.
    """
    return jax.random.rademacher(jax.random.fold_in(key, 1), (4, size), dtype)


class AbstractDirect(AbstractDamped):
    """A solver that factors a matrix; a key is all that the stages of a step share."""

    def prepare(
        self,
        linearisation: AbstractLinearisation,
        target: Values,
        guess: Theta,
        memory: None,
        key: PRNGKeyArray,
    ) -> Prepared:
        return Prepared(key)


def factor(
    matrix: Symmetric, given: Damping, key: PRNGKeyArray
) -> tuple[Symmetric, Inverse, Spectrum]:
    """`matrix` + mu I, its inverse by Cholesky, and its spectrum."""
    structure = jax.eval_shape(lambda: jnp.diagonal(matrix.upper))
    starts = probes(key, structure.size, structure.dtype)
    largest = power_iteration(lambda v: matrix @ v, starts[0])
    damping = absolute(given, largest)
    damped = matrix.plus(damping)
    operator = lx.FunctionLinearOperator(
        lambda v: damped @ v, structure, lx.positive_semidefinite_tag
    )
    state = damped.factor()

    def inverse(b):
        return lx.linear_solve(operator, b, Cholesky(), state=state, throw=False).value

    return damped, inverse, spectrum(inverse, starts, damping, largest)


def spectrum(
    inverse: Inverse, starts: Float[Array, "4 m"], damping, largest: Float[Array, ""]
) -> Spectrum:
    """From two block solves with A + mu I: tr(A (A + mu I)^-1) by Hutchinson's estimate, and
    the smallest eigenvalue by inverse iteration, which errs upwards."""
    inverse = jax.vmap(inverse)
    once = inverse(starts)
    rank = starts.shape[1] - damping * jnp.mean(jnp.sum(starts * once, axis=1))
    twice = inverse(once)
    growth = jnp.max(jnp.linalg.norm(twice, axis=1) / jnp.linalg.norm(once, axis=1))
    return Spectrum(damping, largest, rank, (largest + damping) * growth)
