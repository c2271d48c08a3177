"""What L[u] asks of a scheme: the decay of fine waves against the change of u, and its order."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..linear import safe_ratio
from ..precision import compiled
from ..problems import AbstractProblem
from ..types import Points

# Waves to a side that a subspace resolves at the default damping, in one dimension and in more.
WAVES = 20, 12
# Of their decay rate to the rate of change of u, likewise: above it the explicit steps that resolve
# the decay cost more than those of `Rodas4`.
RATIO = 20.0, 200.0


def stiff(problem: AbstractProblem) -> bool:
    """Return True if fine sine waves decay so much faster than u changes at the start that implicit
    steps cost less.

    The noise of a network has such scales, and explicit steps must resolve their fast decay. Each
    component is perturbed alone, so that an exchange between components (waves) does not count.
    """
    points = jnp.asarray(problem.domain.low_discrepancy_points(256), float)
    decay, change = (np.asarray(rate) for rate in _rates(problem, points))
    return bool(decay > RATIO[problem.domain.dimension > 1] * change) and bool(decay > 0)


@compiled
def _rates(problem: AbstractProblem, points: Points) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The largest decay rate of a component along an axis, and the rate of change |L[u]| / |u|;
    where one of these is 0 at the start, the decay rate of one wave to a side instead."""
    scales = problem.norm.scales
    zero = jnp.zeros((), points.dtype)

    def wave(waves, axis, x):
        # Reference coordinates run from -1 to 1.
        return jnp.sin(jnp.pi * waves * problem.domain.to_reference(x)[axis])

    def damping(waves, component, axis, x):
        def rhs(size):
            def perturbed(x):
                return problem.initial(x).at[component].add(size * wave(waves, axis, x))

            return problem.rhs(perturbed, zero, x)[component]

        change = jax.jvp(rhs, (zero,), (jnp.ones_like(zero),))[1]
        return -wave(waves, axis, x) * change, wave(waves, axis, x) ** 2

    def rate(waves, component, axis):
        change, square = jax.vmap(lambda x: damping(waves, component, axis, x))(points)
        return jnp.mean(change) / jnp.mean(square)

    def rates(waves):
        axes, components = range(problem.domain.dimension), range(problem.components)
        return jnp.stack([rate(waves, c, axis) for c in components for axis in axes])

    fine = WAVES[problem.domain.dimension > 1]
    decay, coarse = (jnp.max(rates(waves)) for waves in (fine, 1))
    u, f = (
        jnp.linalg.norm(jax.vmap(lambda x, g=g: g(x) / scales)(points))
        for g in (problem.initial, lambda x: problem.rhs(problem.initial, zero, x))
    )
    return decay, jnp.where((u > 0) & (f > 0), safe_ratio(f, u), jnp.abs(coarse))


def differential_order(problem: AbstractProblem) -> int:
    """The highest order of the derivatives of u in L[u], at most 8.

    That of the monomials along a generic line whose addition to a field changes L[u] at a point.
    """
    points = jnp.asarray(problem.domain.low_discrepancy_points(4), float)
    changes = np.asarray(jnp.max(jnp.abs(_monomial_changes(problem, points)), axis=(0, 1, 3)))
    # What is not finite is a dependence.
    return int(np.flatnonzero(changes != 0).max(initial=0))


@compiled
def _monomial_changes(problem: AbstractProblem, points: Points) -> Float[Array, "n c 9 c"]:
    d, c = problem.domain.dimension, problem.components
    direction, time = jnp.sqrt(1 + jnp.arange(d, dtype=points.dtype)), points.ravel()[0] ** 2

    def field(x):
        waves = jnp.sin(direction @ problem.domain.to_reference(x) + jnp.arange(c))
        return problem.initial(x) + waves / 3

    def change(x0):
        def rhs(coefficients):
            def shifted(x):
                step = direction @ (x - x0)
                return field(x) + jnp.polyval(coefficients[::-1], step)

            return problem.rhs(shifted, time, x0)

        return jax.jacfwd(rhs)(jnp.zeros((9, c), points.dtype))

    return jax.vmap(change)(points)
