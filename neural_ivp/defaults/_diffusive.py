"""Whether explicit steps would crawl: how fast the equation damps what is fine in space."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..problems import AbstractProblem
from ..types import Points

# Waves to a side of the domain, and how many times faster than u they must decay.
WAVES, RATIO = 32, 5.0


def diffusive(problem: AbstractProblem) -> bool:
    """Whether waves of a 32nd of a side decay 5 times faster than u changes at the start.

    A network knows such scales, and its noise lives there: explicit steps must resolve their decay
    though it is over at once. Each component is disturbed by itself, so that waves, which the
    components exchange, do not count.
    """
    points = jnp.asarray(problem.domain.low_discrepancy_points(256), float)
    decay, change = (np.asarray(rate) for rate in _rates(problem, points))
    return bool(decay > RATIO * change) and bool(change > 0)


@eqx.filter_jit
def _rates(problem: AbstractProblem, points: Points) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The largest decay rate of a component along an axis, and |L[u]| / |u|."""
    scales = problem.norm.scales
    zero = jnp.zeros((), points.dtype)

    def wave(axis, x):
        # Reference coordinates run from -1 to 1.
        return jnp.sin(jnp.pi * WAVES * problem.domain.to_reference(x)[axis])

    def damping(component, axis, x):
        def rhs(size):
            def disturbed(x):
                return problem.initial(x).at[component].add(size * wave(axis, x))

            return problem.rhs(disturbed, zero, x)[component]

        change = jax.jvp(rhs, (zero,), (jnp.ones_like(zero),))[1]
        return -wave(axis, x) * change, wave(axis, x) ** 2

    def rate(component, axis):
        change, square = jax.vmap(lambda x: damping(component, axis, x))(points)
        return jnp.mean(change) / jnp.mean(square)

    axes = range(problem.domain.dimension)
    decay = jnp.stack([rate(c, axis) for c in range(problem.components) for axis in axes])
    u, f = (
        jax.vmap(lambda x, g=g: g(x) / scales)(points)
        for g in (problem.initial, lambda x: problem.rhs(problem.initial, zero, x))
    )
    return jnp.max(decay), jnp.linalg.norm(f) / jnp.linalg.norm(u)
