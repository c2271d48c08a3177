"""Checks of the metric of a space-time."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..domains import AbstractDomain
from ..errors import InputError
from ..types import Point, Points, Scalar, Time

# (t, x) to g, shape (d + 1, d + 1), time first.
Metric = Callable[[Time, Point], Float[Array, "m m"]]

# Points at first, and of each search around the worst one, half as wide where the last one found
# nothing much worse.
POINTS, NEARBY, SEARCHES = 2_000, 500, 30
# Ratio of the smallest |eigenvalue| to the largest one, below which a metric is degenerate, and the
# distance from the boundary, relative to that of its centre, from which on it is inside.
DEGENERATE, INSIDE = 1e-7, 1e-3
ASYMMETRY = 1e-5


def check_metric_values(metric: Metric, domain: AbstractDomain) -> None:
    """Raise `InputError` unless a metric is a symmetric matrix of the right shape."""
    x, size = jnp.asarray(domain.low_discrepancy_points(1), float)[0], domain.dimension + 1
    try:
        shape = jnp.shape(jax.eval_shape(metric, jnp.zeros((), x.dtype), x))
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(
            f"`metric` must be a function of (t, x) that returns one array, of shape {(size, size)}"
            f", and failed: {error}"
        ) from error
    if shape != (size, size):
        raise InputError(
            f"`metric` has values of shape {shape}, expected {(size, size)}: time comes first"
        )
    for t in (0.0, 0.37, 1.0):
        value = np.asarray(metric(jnp.asarray(t, x.dtype), x))
        if np.max(np.abs(value - value.T)) > ASYMMETRY * np.max(np.abs(value)):
            raise InputError(
                f"`metric` is not symmetric: at t = {t:g} and x = {np.round(x, 6).tolist()} it is "
                f"{value.tolist()}"
            )


def check_signature(metric: Metric, domain: AbstractDomain, t: float) -> None:
    """Raise `InputError` where a metric degenerates or has another signature than (-, +, ...).

    Around the worst of many points further ones are searched, so that surfaces are found on which
    it degenerates without a change of sign.
    """
    spread = jnp.asarray(domain.low_discrepancy_points(POINTS), float)

    @jax.jit
    def margins(points):
        inside = jax.vmap(domain.contains)(points)
        return jnp.where(inside, jax.vmap(lambda x: _margin(metric, t, x))(points), jnp.inf)

    offsets = spread[:NEARBY] - jnp.mean(spread[:NEARBY], axis=0, keepdims=True)
    points, scale, margin = spread, 1.0, np.inf
    for _ in range(SEARCHES):
        before, (worst, margin) = margin, _worst(np.asarray(margins(points)), points, t)
        scale = scale / 2 if margin > 0.9 * before else scale
        points = (worst[None] + scale * offsets).at[0].set(worst)
    outwards = worst + INSIDE * (worst - jnp.mean(spread, axis=0))
    if margin < DEGENERATE and domain.contains(outwards):  # a horizon may touch the boundary
        raise _degenerate(worst, t)


def _worst(margins: np.ndarray, points: Points, t: float) -> tuple[Point, float]:
    k = int(np.argmin(np.where(np.isnan(margins), -np.inf, margins)))
    if not margins[k] > 0:
        raise _degenerate(points[k], t)
    return points[k], float(margins[k])


def _margin(metric: Metric, t: float, x: Point) -> Scalar:
    """How far the metric is from another signature, relative to its largest eigenvalue."""
    g = metric(jnp.asarray(t, x.dtype), x)
    eigenvalues = jnp.linalg.eigvalsh(g)
    signed = jnp.minimum(-eigenvalues[0], jnp.min(eigenvalues[1:]))
    signed = jnp.minimum(signed, -g[0, 0])
    return signed / jnp.max(jnp.abs(eigenvalues))


def _degenerate(x: Point, t: float) -> InputError:
    return InputError(
        "`metric` degenerates in the domain, or has another signature than (-, +, ...), at "
        f"t = {t:g} and x = {np.round(x, 6).tolist()}: keep the domain outside of a horizon, or "
        "take other coordinates or times"
    )
