"""The density of a projection: the mean of the conditional densities along lines."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..errors import InputError, check_shape, finite_array
from ..networks import GaussianFrame
from ..precision import compiled
from ..types import Point, Points
from ._estimates import Estimate

# Half the length of a line in standard deviations of the projection, and the points of its
# quadrature for each standard deviation along the line: at least, and in all at most.
REACH = 7.0
POINTS, MOST_POINTS = 8, 4_096


def direction_of(axis: object, d: int) -> np.ndarray:
    """The vector a of a projection x . a, from the number of a coordinate or from itself."""
    if isinstance(axis, int | np.integer) and not isinstance(axis, bool):
        if not 0 <= axis < d:
            raise InputError(
                f"`axis` = {axis} is no coordinate of x: give one of 0, ..., {d - 1}, or a vector "
                f"of shape ({d},)"
            )
        return np.eye(d)[axis]
    vector = finite_array("axis", axis)
    fix = "give a vector with one entry per dimension, or the number of a coordinate"
    check_shape("`axis`", vector.shape, (d,), fix)
    if not np.any(vector):
        raise InputError("`axis` is the zero vector: give a direction")
    return vector


def marginal_estimate(
    network: GaussianFrame, points: Points, a: np.ndarray, grid: np.ndarray
) -> Estimate:
    """The density of x . a at the values `grid`, from draws of x."""
    dtype = points.dtype
    lines = np.asarray(points @ jnp.asarray(a, dtype), float)
    nodes = _nodes(network, a, lines)
    arrays = (jnp.asarray(array, dtype) for array in (a, grid, nodes))
    values = np.asarray(_conditional(network, points, *arrays), float)
    error = values.std(axis=0, ddof=1) / math.sqrt(len(values))
    return Estimate(values.mean(axis=0), error)


def _nodes(network: GaussianFrame, a: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Evenly spaced values of x . a for the quadrature along each line."""
    means, factors = (np.asarray(array, float) for array in (network.means, network.factors))
    centres, spreads = means @ a, np.linalg.norm(a @ factors, axis=1)
    lower = min(np.min(centres - REACH * spreads), np.min(lines) - np.max(spreads))
    upper = max(np.max(centres + REACH * spreads), np.max(lines) + np.max(spreads))
    # The standard deviation along the line of a part of the mixture, of x . a = s.
    step = a / (a @ a)
    from scipy.linalg import solve_triangular  # here, since it takes long to import

    widths = [1 / np.linalg.norm(solve_triangular(part, step, lower=True)) for part in factors]
    count = math.ceil(POINTS * (upper - lower) / min(widths) / 128) * 128  # few compilations
    return np.linspace(lower, upper, min(count, MOST_POINTS) + 1)


@compiled
def _conditional(
    network: GaussianFrame,
    points: Points,
    a: Point,
    grid: Float[Array, " g"],
    nodes: Float[Array, " m"],
) -> Float[Array, "n g"]:
    """For each point the density of x . a on the line through it along a, at `grid`."""
    step, width = a / (a @ a), nodes[1] - nodes[0]

    def along(x):
        s = jnp.concatenate([nodes, grid]) - x @ a
        logs = jax.vmap(lambda s: network(x + s * step)[0])(s)
        inner, wanted = logs[: len(nodes)], logs[len(nodes) :]
        # The trapezoidal rule; beyond both ends there is nothing.
        return jnp.exp(wanted - jax.scipy.special.logsumexp(inner)) / width

    return jax.lax.map(along, points)
