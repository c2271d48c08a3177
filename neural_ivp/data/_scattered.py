"""Samples of a field at arbitrary points."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..domains import SLACK, AbstractDomain
from ..errors import InputError, check_kind, check_shape, finite_array
from ..types import Points, Values, Weights


class ScatteredData(eqx.Module):
    """Samples values_k = u(points_k), which `fit` fits in the mean sum_k w_k |.|^2.

    **Arguments:**

    - `domain`: a `Box`, which contains the points, or a `Torus`, which wraps them.
    - `points`: shape (n, d), in any order; n is at least 2 and c.
    - `values`: shape (n, c), or (n,) for one component.
    - `weights`: shape (n,), positive, of any sum; equal if not given. Good values: the volume
      that a point represents, where the density of the points varies.

    **Raises:** `InputError` for shapes that disagree, or points, values or weights out of range.

    ```python
    x = jax.random.uniform(jax.random.key(0), (40, 1))
    samples = nivp.ScatteredData(nivp.Torus((1.0,)), x, jnp.sin(2 * jnp.pi * x))
    ```
    """

    domain: AbstractDomain
    points: Points
    values: Values
    weights: Weights

    def __init__(self, domain: AbstractDomain, points: Any, values: Any, weights: Any = None):
        check_kind("domain", domain, AbstractDomain)
        coordinates, samples = finite_array("points", points), finite_array("values", values)
        _check_points(domain, coordinates)
        n = len(coordinates)
        samples = samples[:, None] if samples.ndim == 1 else samples
        if samples.ndim != 2 or len(samples) != n or samples.shape[1] == 0:
            raise InputError(
                f"`values` has shape {np.shape(values)} for {n} points: expected ({n}, "
                f"components), or ({n},) for one component"
            )
        if n < samples.shape[1]:
            raise InputError(
                f"`values` has {samples.shape[1]} components at only {n} points: give "
                "more points, or transpose it if it is (components, points)"
            )
        w = np.ones(n) if weights is None else finite_array("weights", weights)
        check_shape("`weights`", w.shape, (n,), "give one weight for each point")
        if not np.all(w > 0):
            at = int(np.argmin(w > 0))
            raise InputError(
                f"`weights` must be positive, got {w[at]} at index {at}: leave such points out"
            )
        dtype = jnp.result_type(float)
        self.domain = domain
        self.points, self.values = jnp.asarray(coordinates, dtype), jnp.asarray(samples, dtype)
        w = w / np.max(w)  # the sum of huge weights could overflow
        self.weights = jnp.asarray(w / np.sum(w), dtype)

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
    inside = jax.vmap(lambda x: domain.contains(x, SLACK))(jnp.asarray(points, float))
    outside = ~np.asarray(inside)
    if np.any(outside):
        at = int(np.argmax(outside))
        raise InputError(
            f"`points` has {int(np.sum(outside))} points outside the domain, in the box from "
            f"{domain.lower} to {domain.upper}, the first at index {at}, {points[at].tolist()}: "
            "leave them out or give a larger domain"
        )
