"""A hint for pairs of first order that are one equation of second order."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import FormWarning
from ..networks import AbstractNetwork, WithVelocity
from ..problems import AbstractProblem


def warn_of_form(problem: AbstractProblem, network: AbstractNetwork) -> None:
    """Warn where the first half of the right-hand side is the second half of u."""
    c, odd = divmod(problem.components, 2)
    if odd or isinstance(network, WithVelocity) or not _is_pair(problem, c):
        return
    warnings.warn(
        "the first half of `rhs` is the second half of u: an equation of second order in time, "
        "which `SecondOrderProblem(initial=, initial_velocity=, acceleration=)` solves several "
        "times faster and with less loss of energy (docs/waves.md)",
        FormWarning,
        stacklevel=3,
    )


def _is_pair(problem: AbstractProblem, c: int) -> bool:
    """Whether u_t is the second half of u for a field that is not special, at three points."""
    points = jnp.asarray(problem.domain.low_discrepancy_points(3), float)
    d = problem.domain.dimension
    slopes, curvatures = (
        jax.random.normal(jax.random.key(k), (2 * c, d), points.dtype) for k in range(2)
    )

    def u(x):
        return 1 + slopes @ x + curvatures @ jnp.cos(x)

    half = np.asarray(jax.vmap(lambda x: problem.rhs(u, jnp.zeros((), x.dtype), x)[:c])(points))
    return np.array_equal(half, np.asarray(jax.vmap(u)(points))[:, c:])
