"""Dense output at a time that JAX traces: for derivatives in t, jit and vmap.

`_trajectory` does the same for numbers, on the host and without compiling. Bits may differ.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..errors import InputError
from ..types import Scalar, Theta
from ._trajectory import QUINTIC, Segment, has_gaps


class Steps(NamedTuple):
    """The accepted steps of all segments, as numpy arrays with a row for each.

    - `start`, `end`: shape (k,), increasing.
    - `theta0`, `theta1`, `rate0`, `rate1`: parameters and dtheta/dt at both ends, shape (k, p).
    - `moving`: whether the parameters are those of a network with a velocity.
    """

    start: np.ndarray
    end: np.ndarray
    theta0: np.ndarray
    theta1: np.ndarray
    rate0: np.ndarray
    rate1: np.ndarray
    moving: bool


def stacked_steps(segments: Sequence[Segment]) -> Steps:
    """**Raises:** `InputError` where nothing is known between the saved times."""
    # A refit at the last time, without a step after it, is left out.
    parts = [part for part in segments if len(part.ts) > 1]
    if has_gaps(segments) or not parts:
        raise InputError(
            "`t` is traced by JAX, and this solution is known at its saved times alone: a "
            "derivative in t needs the whole trajectory (`save` without `dense=False`), and a time "
            "given as a number needs no trace"
        )
    rows = [
        (part.ts[:-1], part.ts[1:], part.theta[:-1], part.theta[1:], part.left, part.right)
        for part in parts
    ]
    columns = [np.concatenate(column) for column in zip(*rows, strict=True)]
    return Steps(*columns, moving=parts[0].moving)


def evaluate_traced(steps: Steps, t: Scalar) -> Theta:
    """theta(t) by the polynomials of `Segment`; NaN outside of the solved interval."""
    t = jnp.asarray(t, jnp.result_type(float))
    start, end = jnp.asarray(steps.start, t.dtype), jnp.asarray(steps.end, t.dtype)
    # As in `evaluate`: at a restart the step after the refit.
    k = jnp.clip(jnp.searchsorted(start, t, side="right") - 1, 0, len(start) - 1)
    h = jnp.asarray(steps.end - steps.start, t.dtype)[k]
    s = (t - start[k]) / h
    arrays = steps.theta0, steps.theta1, steps.rate0, steps.rate1
    ends = jnp.stack([jnp.asarray(array)[k].astype(t.dtype) for array in arrays])
    value = _quintic(ends, h, s) if steps.moving else _cubic(ends, h, s)
    inside = (t >= start[0]) & (t <= end[-1])
    return jnp.where(inside, value, jnp.nan).astype(steps.theta0.dtype)


def _cubic(ends: Float[Array, "4 p"], h: Scalar, s: Scalar) -> Theta:
    theta0, theta1, rate0, rate1 = ends
    cubic = (1 - 2 * s) * (theta1 - theta0) + h * ((s - 1) * rate0 + s * rate1)
    return (1 - s) * theta0 + s * theta1 + s * (s - 1) * cubic


def _quintic(ends: Float[Array, "4 p"], h: Scalar, s: Scalar) -> Theta:
    """Parameters and their velocity."""
    p = ends.shape[1] // 2
    # Values, slopes and second derivatives in s, each at both ends.
    data = jnp.concatenate([ends[:2, :p], h * ends[2:, :p], h**2 * ends[2:, p:]])
    coefficients = jnp.asarray(QUINTIC, s.dtype)
    powers = jnp.stack([s**k for k in range(6)])
    rates = jnp.stack([k * s ** max(k - 1, 0) for k in range(6)])
    return jnp.concatenate([(coefficients @ powers) @ data, (coefficients @ rates) @ data / h])
