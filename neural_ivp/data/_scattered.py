"""Samples of a field at points that form no grid."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ..domains import SLACK, AbstractDomain
from ..errors import InputError, check_kind, check_shape, finite_array
from ..types import Points, Values, Weights


class ScatteredData(eqx.Module):
    """Samples values_k = u(points_k), k = 1, ..., n, with weights w_k that add up to one.

    Numbers to fit to, in the mean sum_k w_k |.|^2; not a field, so it cannot be called.

    **Arguments:**

    - `domain`: a `Box`, which contains the points, or a `Torus`, where any points will do.
    - `points`: shape (n, d), in any order.
    - `values`: shape (n, c), or (n,) for one component.
    - `weights`: shape (n,), positive, of any sum; equal if not given. Good values: the volume
      that a point stands for, where the points are of uneven density.

    **Raises:** `InputError` for shapes that disagree, numbers that are not finite, points outside
    a box, weights that are not positive, or fewer than two points or than components.
    """

    domain: AbstractDomain
    points: Points
    values: Values
    weights: Weights

    def __init__(self, domain: AbstractDomain, points: Any, values: Any, weights: Any = None):
        check_kind("domain", domain, AbstractDomain)
        where, what = finite_array("points", points), finite_array("values", values)
        _check_points(domain, where)
        n = len(where)
        what = what[:, None] if what.ndim == 1 else what
        if what.ndim != 2 or len(what) != n or what.shape[1] == 0:
            raise InputError(
                f"`values` has shape {np.shape(values)} for {n} points: expected ({n}, "
                f"components), or ({n},) for one component"
            )
        if n < what.shape[1]:
            raise InputError(
                f"`values` has {what.shape[1]} components at only {n} points: give "
                "more points, or transpose it if it is (components, points)"
            )
        share = np.ones(n) if weights is None else finite_array("weights", weights)
        check_shape("`weights`", share.shape, (n,), "give one weight for each point")
        if not np.all(share > 0):
            at = int(np.argmin(share > 0))
            raise InputError(
                f"`weights` must be positive, got {share[at]} at index {at}: leave such points out"
            )
        dtype = jnp.result_type(float)
        self.domain = domain
        self.points, self.values = jnp.asarray(where, dtype), jnp.asarray(what, dtype)
        share = share / np.max(share)  # the sum of huge weights could overflow
        self.weights = jnp.asarray(share / np.sum(share), dtype)

    @property
    def components(self) -> int:
        return self.values.shape[1]


def _check_points(domain: AbstractDomain, points: np.ndarray) -> None:
    d = domain.dimension
    if points.ndim != 2 or points.shape[1] != d:
        fix = "points[:, None]" if points.ndim == 1 and d == 1 else f"one row of {d} per point"
        raise InputError(f"`points` has shape {points.shape}, expected (n, {d}): give {fix}")
    if len(points) < 2:
        raise InputError(f"`points` has {len(points)} points: give at least two")
    if domain.periods is None:
        low, high = np.asarray(domain.lower), np.asarray(domain.upper)
        slack = SLACK * (high - low)
        outside = np.any((points < low - slack) | (points > high + slack), axis=1)
        if np.any(outside):
            at = int(np.argmax(outside))
            raise InputError(
                f"`points` has {int(np.sum(outside))} points outside the box from {domain.lower} "
                f"to {domain.upper}, the first at index {at}, {points[at].tolist()}: leave them "
                "out or give a larger box"
            )
