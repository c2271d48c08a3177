"""The narrow Gaussian bump that several problems of the paper start from."""

import math

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from .._types import Scalar
from ..domains import AbstractDomain


def bump(displacement, width) -> Scalar:
    r"""$\exp(-|x|^2 / 2 s^2) / (2 \pi s^2) / 30$ with s = `width`, in any dimension.

    The two-dimensional normaliser is kept in every dimension, as in the paper's code.
    """
    return jnp.exp(-jnp.sum(displacement**2) / (2 * width**2)) / (2 * math.pi * width**2) / 30


def centred(x: Array, domain: AbstractDomain, shift: ArrayLike = 0.0) -> Array:
    """x + shift minus the centre of the domain; to the nearest image on a torus."""
    low, high = jnp.asarray(domain.lower, x.dtype), jnp.asarray(domain.upper, x.dtype)
    displacement = x + shift - (low + high) / 2
    if domain.periods is None:
        return displacement
    lengths = high - low
    return displacement - lengths * jnp.round(displacement / lengths)
