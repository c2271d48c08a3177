"""A hint for pairs of first order that are one equation of second order."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..errors import FormWarning
from ..networks import AbstractNetwork, WithVelocity
from ..problems import AbstractProblem, AbstractSecondOrderProblem

HALVES = "first", "second"
NUM_POINTS, TIMES = 3, (0.0, 0.37)


def warn_of_form(problem: AbstractProblem, network: AbstractNetwork) -> None:
    """Warn of pairs u_t = c v, v_t = a(u, v, t, x) with a constant c, in this order or v first."""
    if problem.components % 2 or isinstance(network, WithVelocity):
        return
    values, rates = _probe(problem)
    for u, v in ((0, 1), (1, 0)):
        factors = _factors(rates[u], values[v])
        if factors is None or np.array_equal(_probe(problem, changed=u)[1][v], rates[v]):
            continue  # without a dependence on u, v alone obeys an equation of first order
        if isinstance(problem, AbstractSecondOrderProblem):
            warnings.warn(
                f"`network` has {problem.components} components, u and u_t, which are solved as a "
                "pair of first order: a network of u alone is several times faster and keeps more "
                "of the energy. Make it by `default_network(problem, key=...)`, or with components="
                f"{problem.components // 2}",
                FormWarning,
                stacklevel=3,
            )
            return
        times = "" if set(factors) == {1.0} else f"{', '.join(map('{:g}'.format, factors))} times "
        warnings.warn(
            f"the {HALVES[u]} half of `rhs` is {times}the {HALVES[v]} half of u: an equation of "
            f"second order in time for the {HALVES[u]} half, which `SecondOrderProblem(initial=, "
            "initial_velocity=, acceleration=)` solves several times faster and with less loss of "
            "energy (docs/waves.md)",
            FormWarning,
            stacklevel=3,
        )
        return


def _factors(rate: Array, velocity: Array) -> list[float] | None:
    """c of each component where rate = c velocity at all points; None if there is none."""
    factors = jnp.sum(rate * velocity, axis=0) / jnp.sum(velocity**2, axis=0)
    rounding = 64 * jnp.finfo(rate.dtype).eps * jnp.max(jnp.abs(rate), axis=0, keepdims=True)
    same = jnp.abs(rate - factors[None, :] * velocity) <= rounding
    if not (jnp.all(same) and jnp.all(factors != 0)):
        return None
    return [float(f"{factor:.9g}") for factor in factors]  # without rounding errors


def _probe(
    problem: AbstractProblem, *, changed: int | None = None
) -> tuple[Float[Array, "2 n c"], Float[Array, "2 n c"]]:
    """The halves of a field that is not special and of its right-hand side, at a few points and
    times; of a field with another half `changed`, if given."""
    points = jnp.asarray(problem.domain.low_discrepancy_points(NUM_POINTS), float)
    times = jnp.repeat(jnp.asarray(TIMES, points.dtype), NUM_POINTS)
    points = jnp.tile(points, (len(TIMES), 1))
    c, d = problem.components // 2, problem.domain.dimension
    size = jnp.ones(2, points.dtype)
    size = jnp.repeat(size if changed is None else size.at[changed].set(2), c)
    slopes, curvatures = (
        size[:, None] * jax.random.normal(jax.random.key(k), (2 * c, d), points.dtype)
        for k in range(2)
    )

    def u(x):
        return 1 + slopes @ x + curvatures @ jnp.cos(x)

    def halves(array):
        return jnp.stack(jnp.split(array, 2, axis=1))

    rates = jax.vmap(lambda t, x: problem.rhs(u, t, x))(times, points)
    return halves(jax.vmap(u)(points)), halves(rates)
