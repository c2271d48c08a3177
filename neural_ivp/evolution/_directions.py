"""Directions along which the logarithm of a density changes: at first, and in what a velocity
leaves of its rate."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ..fitting import ridge_directions
from ..linear import (
    AbstractVelocitySolver,
    safe_ratio,
    solve_velocity,
    solver_for,
    velocity_problem_at,
)
from ..networks import GaussianFrame, flatten
from ..precision import compiled
from ..problems import AbstractProblem
from ..trials import trial_for
from ..types import Points, Scalar, WeightedPoints

# Degrees of the Hermite polynomials by which directions are found: cubic and above, since the
# network has all quadratic polynomials. Those of Gaussian bumps need the high ones: with the
# degrees up to 4, pairs of particles that repel each other are missed.
DEGREES = (3, 4, 5, 6, 7, 8)
# Degrees of Hermite polynomials that suffice for a drift of third order and a normal density.
LOW = (3, 4)
# Relative residual of directions that describe the rate, and of a first velocity with enough of
# them.
CONVERGED, ENOUGH = 1e-2, 0.1
# Descents for as many directions as the network has: about every second one misses an axis of
# twenty, and costs less than a network of twice the size.
TRIES = 8


class Misfit(NamedTuple):
    """The residual of the rate of log u at particles, and its size at those of them that the
    velocity does not depend on, relative to the rate."""

    points: Points
    values: Float[Array, " n"]
    held_out: Scalar


@compiled
def velocity_misfit(
    solver: AbstractVelocitySolver,
    network: GaussianFrame,
    problem: AbstractProblem,
    t: Scalar,
    samples: tuple[WeightedPoints, ...],
    key: PRNGKeyArray,
) -> Misfit:
    """f - J v for the velocity that the first of two sets of particles determines."""
    theta, _ = flatten(network)
    parts = [
        velocity_problem_at(problem, trial_for(problem, network), network, theta, t, sample, None)
        for sample in samples
    ]
    (linearisation, f), (held_out, target) = parts
    velocity = solve_velocity(solver_for(solver, network), linearisation, f, key=key).value
    misfits = f - linearisation.push(velocity), target - held_out.push(velocity)
    points = jnp.concatenate([sample.points for sample in samples])
    relative = safe_ratio(jnp.linalg.norm(misfits[1]), jnp.linalg.norm(target))
    return Misfit(points, jnp.concatenate(misfits)[:, 0], relative)


def more_directions(
    network: GaussianFrame, misfit: Misfit, key: PRNGKeyArray
) -> Float[Array, "m d"]:
    """As many directions as there are, in which a ridge sum describes the misfit."""
    z = jax.vmap(network.whitened)(misfit.points)
    factor, old = network.moments()[1], network.inner.directions
    known = old @ factor
    known = known / jnp.linalg.norm(known, axis=1, keepdims=True)
    found, _ = ridge_directions(
        z, misfit.values, len(old), key, degrees=DEGREES, known=known, num_restarts=1
    )
    rows = jnp.linalg.solve(factor.T, found.T).T
    return rows / jnp.linalg.norm(rows, axis=1, keepdims=True)


def first_directions(
    network: GaussianFrame,
    points: Points,
    rate: Float[Array, " n"],
    measure: Callable[[GaussianFrame], Misfit],
    allows: Callable[[GaussianFrame], bool],
    key: PRNGKeyArray,
) -> tuple[GaussianFrame, Misfit, str]:
    """A network along the directions of its first rate of change.

    Variable projection finds as many as the network has, or else twice as many, by polynomials of
    low degree, which a drift of low degree needs, or of higher degree. More than needed are not
    determined. As long as the first velocity leaves more than `ENOUGH`, more are added for what it
    leaves.

    **Arguments:**

    - `points`: whitened, shape (n, d).
    - `rate`: of log u there, without what the frame follows.
    - `measure`: the residual of the first velocity of a network.
    - `allows`: whether a network may have twice as many directions.
    - `key`: of the starts of the descents.

    **Returns:** the network, its residual, and a description.
    """
    if points.shape[1] == 1:
        return network, measure(network), "one dimension has one direction"
    m, candidates = len(network.inner.directions), []
    for count, degrees in ((m, LOW), (2 * m, LOW), (2 * m, DEGREES)):
        tries = TRIES if count == m else 3
        found, residual = ridge_directions(
            points, rate, count, key, degrees=degrees, num_restarts=tries
        )
        candidates.append(_along(network, found))
        if float(residual) < CONVERGED:
            candidates = candidates[-1:]
            break
    measured = [(measure(candidate), candidate) for candidate in candidates[-2:]]
    misfit, network = min(measured, key=lambda pair: float(pair[0].held_out))
    while float(misfit.held_out) > ENOUGH and allows(network):
        key = jax.random.fold_in(key, 1)
        network = network.with_directions(more_directions(network, misfit, key))
        misfit = measure(network)
    found = len(network.inner.directions)
    return network, misfit, f"{found} by variable projection, first residual {misfit.held_out:.1e}"


def _along(network: GaussianFrame, whitened: Float[Array, "m d"]) -> GaussianFrame:
    """The network along directions that are given in whitened coordinates."""
    rows = jnp.linalg.solve(network.moments()[1].T, whitened.T).T
    inner = network.inner.along(rows / jnp.linalg.norm(rows, axis=1, keepdims=True))
    return eqx.tree_at(lambda net: net.inner, network, inner)
