"""What the problems on periodic domains share: checks, and a start in the plane."""

import jax.numpy as jnp

from ..domains import AbstractDomain
from ..errors import InputError, check_count
from ..types import Point, Scalar


def four_peaks(x: Point) -> Scalar:
    r"""$(4 / 100) \cosh(3 \sin x_0) \sinh(\sin x_1)$, periodic over $2 \pi$: two peaks of height
    0.47 and two of -0.47.

    Source: Chen et al., "TENG", ICML 2024, as a sum of four exponentials.
    """
    return 0.04 * jnp.cosh(3 * jnp.sin(x[0])) * jnp.sinh(jnp.sin(x[1]))


def check_dimension(dimension: int) -> None:
    """Raise `InputError` unless `dimension` is 1 or 2."""
    check_count("dimension", dimension)
    if dimension > 2:
        raise InputError(f"`dimension` must be 1 or 2, got {dimension!r}")


def check_circle(domain: AbstractDomain) -> None:
    """Raise `InputError` unless `domain` is one periodic axis."""
    if not isinstance(domain, AbstractDomain) or tuple(domain.periodic) != (True,):
        raise InputError(
            f"`domain` must be one periodic axis, such as nivp.Torus((20.0,), (-10.0,)), got "
            f"{domain!r}"
        )
