"""The bump from which advection and waves start."""

import math

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from ..domains import AbstractDomain
from ..types import Scalar

IMAGES = 4  # periods on either side: enough in float64 for a width of half a period


def bump(x: Array, domain: AbstractDomain, width: ArrayLike, shift: ArrayLike = 0.0) -> Scalar:
    r"""$\exp(-|x + \text{shift} - m|^2 / 2 s^2) / (2 \pi s^2) / 30$ with s = `width` and the
    midpoint m of the domain; along periodic axes the sum of this over all periods.

    The two-dimensional normaliser is used in every dimension, as in the paper's code.
    """
    low, high = jnp.asarray(domain.lower, x.dtype), jnp.asarray(domain.upper, x.dtype)
    offset = x + shift - (low + high) / 2
    if not any(domain.periodic):
        return jnp.exp(-jnp.sum(offset**2) / (2 * width**2)) / (2 * math.pi * width**2) / 30
    # Not the nearest image alone, which has a kink half a period away.
    lengths = high - low
    nearest = offset - lengths * jnp.round(offset / lengths)
    indices = jnp.arange(-IMAGES, IMAGES + 1, dtype=x.dtype)
    images = nearest[:, None] + jnp.outer(lengths, indices)
    periodic = jnp.sum(jnp.exp(-(images**2) / (2 * width**2)), axis=1)
    straight = jnp.exp(-(offset**2) / (2 * width**2))
    shape = jnp.prod(jnp.where(jnp.asarray(domain.periodic), periodic, straight))
    return shape / (2 * math.pi * width**2) / 30
