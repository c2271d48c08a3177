"""Times and points at which a solution is evaluated: their checks, and values in chunks.

What JAX traces has a shape and no value: it is checked as far as that goes.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ..domains import SLACK, AbstractDomain
from ..errors import InputError, concrete
from ..precision import compiled
from ..types import Field

# Points at a time: the memory of an evaluation is that of so many, and one shape is compiled.
CHUNK_SIZE = 2**16


def checked_times(t: ArrayLike) -> np.ndarray | Array:
    """A time or times of shape (T,); a JAX array where traced.

    **Raises:** `InputError` for something else.
    """
    known = concrete("t", t)
    times = jnp.asarray(t) if known is None else known
    if times.ndim > 1 or not times.size:
        raise InputError(f"`t` must be a time or an array of times, got shape {times.shape}")
    return times


def checked_points(domain: AbstractDomain, x: ArrayLike, dtype, name: str = "x") -> Array:
    """The argument `name` as points of shape (..., d).

    **Raises:** `InputError` for another shape, and for points outside the domain unless traced.
    """
    if np.iscomplexobj(x):
        raise InputError(f"`{name}` is complex: points have real coordinates")
    known = concrete(name, x) is not None
    with jax.ensure_compile_time_eval():  # numbers stay numbers inside a jit around this
        points = jnp.asarray(x, dtype)
    if points.ndim == 0 or points.shape[-1] != domain.dimension:
        raise InputError(
            f"`{name}` has shape {points.shape}, expected ({domain.dimension},) or "
            f"(..., {domain.dimension}): one coordinate per dimension in the last axis"
        )
    if not known:
        return points
    with jax.ensure_compile_time_eval():
        flat = points.reshape(-1, domain.dimension)
    outside = ~inside(domain, flat)
    if outside.any():
        raise InputError(
            f"`{name}` has {int(outside.sum())} of {outside.size} points outside the domain "
            f"{domain.lower} to {domain.upper}, first {np.asarray(flat)[outside][0].tolist()}"
        )
    return points


def inside(domain: AbstractDomain, points: Array) -> np.ndarray:
    """Which of the points (n, d) lie in the domain, with slack: a bound rounded to the network's
    dtype may lie outside."""
    with jax.ensure_compile_time_eval():
        return np.asarray(jax.vmap(lambda x: domain.contains(x, SLACK))(points))


def values_at(u: Field, points: Array) -> Array:
    """u at points (n, d), shape (n, c)."""
    count = max(len(points), 1)
    parts = [points[k : k + CHUNK_SIZE] for k in range(0, count, CHUNK_SIZE)]
    values = [_evaluate(u, part) for part in parts]
    return values[0] if len(values) == 1 else jnp.concatenate(values)


@compiled
def _evaluate(u: Callable, points: Array) -> Array:
    return jax.vmap(u)(points)
