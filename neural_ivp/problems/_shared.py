"""What problems of the catalogue share: the narrow Gaussian bump, and what their boundaries are."""

import math

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from ..domains import AbstractDomain
from ..types import Scalar

IMAGES = 4  # on either side: enough for bumps of half a period's width in float64


def bump(x: Array, domain: AbstractDomain, width: ArrayLike, shift: ArrayLike = 0.0) -> Scalar:
    r"""$\exp(-|x + \text{shift} - m|^2 / 2 s^2) / (2 \pi s^2) / 30$ with s = `width` around the
    middle m of the domain, in any dimension.

    On a torus it is the sum over all periods, which is smooth: the distance to the nearest image
    alone has a kink half a period away, small for a narrow bump and yet what a network follows
    worst. The two-dimensional normaliser is kept in every dimension, as in the paper's code.
    """
    low, high = jnp.asarray(domain.lower, x.dtype), jnp.asarray(domain.upper, x.dtype)
    apart = x + shift - (low + high) / 2
    if domain.periods is None:
        shape = jnp.exp(-jnp.sum(apart**2) / (2 * width**2))
    else:
        lengths = high - low
        nearest = apart - lengths * jnp.round(apart / lengths)
        turns = jnp.arange(-IMAGES, IMAGES + 1, dtype=x.dtype)
        images = nearest[:, None] + jnp.outer(lengths, turns)
        shape = jnp.prod(jnp.sum(jnp.exp(-(images**2) / (2 * width**2)), axis=1))
    return shape / (2 * math.pi * width**2) / 30


def dirichlet_or_periodic(domain: AbstractDomain) -> bool:
    """The catalogue's rule: u = 0 on the boundary of a box, nothing on a torus."""
    return domain.periods is None
