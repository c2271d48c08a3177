"""Sets of points that samplers are made of: uniform, low-discrepancy, resampled."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from ..domains import AbstractDomain
from ..types import Points, Weights


def uniform_points(domain: AbstractDomain, count: int, dtype: Any, key: PRNGKeyArray) -> Points:
    """Independent uniform points of the domain."""
    unit = jax.random.uniform(key, (count, domain.dimension), dtype)
    return jax.vmap(domain.from_unit)(unit)


def shifted_points(domain: AbstractDomain, unit: Points, key: PRNGKeyArray) -> Points:
    """Points of the unit cube, shifted at random with wrapping, in the domain."""
    shifted = unit + jax.random.uniform(key, (1, domain.dimension), unit.dtype)
    return jax.vmap(domain.from_unit)(shifted - jnp.floor(shifted))


def along_a_curve(unit: np.ndarray) -> np.ndarray:
    """Points of the unit cube in Morton's order, in which neighbours in space are near.

    Systematic resampling picks every so many-th: in the order in which the evenly spread points are
    made, a multiple of their golden ratio, that leaves gaps a hundred times as wide as it should.
    """
    d = unit.shape[1]
    bits = max(60 // d, 1)
    cells = np.floor(unit * 2**bits).astype(np.uint64)
    code = np.zeros(len(unit), np.uint64)
    for bit in reversed(range(bits)):
        for axis in range(min(d, 60)):
            code = (code << np.uint64(1)) | ((cells[:, axis] >> np.uint64(bit)) & np.uint64(1))
    return unit[np.argsort(code, kind="stable")]


def systematic(density: Weights, count: int, key: PRNGKeyArray) -> Array:
    """`count` indices, each drawn in proportion to `density`, from one random offset."""
    total = jnp.cumsum(density)
    offset = jax.random.uniform(key, (), density.dtype)
    levels = (jnp.arange(count) + offset) / count * total[-1]
    return jnp.clip(jnp.searchsorted(total, levels), 0, density.size - 1)
