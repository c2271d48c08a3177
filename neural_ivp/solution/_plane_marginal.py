"""The density of two coordinates: the mean of the conditional densities on planes."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..precision import compiled
from ..types import Point, Points, Value


def plane_marginal(
    network: Callable[[Point], Value],
    points: Points,
    axes: tuple[int, int],
    first: np.ndarray,
    second: np.ndarray,
) -> np.ndarray:
    """The density of two coordinates in equal cells with these centres, from draws of x and the
    logarithm of the density of x, the network.

    It is the mean over the draws of the density of the two given the rest of x, whose integral is
    the sum over the cells: what lies beyond them is left out. Shape (len(second) len(first),), the
    first coordinate fastest.
    """
    dtype = points.dtype
    cells = np.stack([grid.ravel() for grid in np.meshgrid(first, second)], axis=-1)
    area = (first[1] - first[0]) * (second[1] - second[0])
    means = _plane_mean(network, points, axes, jnp.asarray(cells, dtype))
    return np.asarray(means, float) / area


@compiled
def _plane_mean(
    network: Callable[[Point], Value],
    points: Points,
    axes: tuple[int, int],
    cells: Float[Array, "g 2"],
) -> Float[Array, " g"]:
    """The mean share of each cell."""

    def shares(x):
        return jax.nn.softmax(jax.vmap(lambda s: network(x.at[jnp.array(axes)].set(s))[0])(cells))

    return jnp.mean(jax.lax.map(shares, points), axis=0)
