"""Whether explicit steps would crawl: how fast the equation damps what is fine in space."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._types import Points
from ..problems import AbstractProblem

# Waves to a side of the domain, and how many times faster than u they must decay.
WAVES, RATIO = 32, 5.0


def diffusive(problem: AbstractProblem) -> bool:
    """Whether waves of a 32nd of the domain decay 5 times faster than u changes at the start.

    A network knows such scales, and its noise lives there: explicit steps must resolve their decay
    though it is over at once. Each component is disturbed by itself, so that waves, which the
    components exchange, do not count.
    """
    points = jnp.asarray(problem.domain.spread(256), float)
    decay, change = (np.asarray(rate) for rate in _rates(problem, points))
    return bool(decay > RATIO * change) and bool(change > 0)


@eqx.filter_jit
def _rates(problem: AbstractProblem, points: Points) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The largest decay rate of a component, and |L[u]| / |u|."""
    side = problem.domain.upper[0] - problem.domain.lower[0]
    number = 2 * jnp.pi * WAVES / side
    scales = problem.norm.scales
    zero = jnp.zeros((), points.dtype)

    def wave(x):
        return jnp.sin(number * (x[0] - problem.domain.lower[0]))

    def damping(component, x):
        def rhs(size):
            def disturbed(x):
                u = problem.initial(x)
                return u.at[component].add(size * wave(x))

            return problem.rhs(disturbed, zero, x)[component]

        return -wave(x) * jax.jvp(rhs, (zero,), (jnp.ones_like(zero),))[1]

    waves = jnp.mean(jax.vmap(wave)(points) ** 2)
    decay = jnp.stack(
        [
            jnp.mean(jax.vmap(lambda x, c=c: damping(c, x))(points)) / waves
            for c in range(problem.components)
        ]
    )
    u, f = (
        jax.vmap(lambda x, g=g: g(x) / scales)(points)
        for g in (problem.initial, lambda x: problem.rhs(problem.initial, zero, x))
    )
    return jnp.max(decay), jnp.linalg.norm(f) / jnp.linalg.norm(u)
