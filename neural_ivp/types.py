"""Types used in every room.

Letters everywhere the same: d space, c components, n points, p parameters, h features.
"""

from collections.abc import Callable
from typing import TypeAlias

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Point: TypeAlias = Float[Array, " d"]
Points: TypeAlias = Float[Array, "n d"]
Value: TypeAlias = Float[Array, " c"]
Values: TypeAlias = Float[Array, "n c"]
Weights: TypeAlias = Float[Array, " n"]
Theta: TypeAlias = Float[Array, " p"]
Scalar: TypeAlias = Float[Array, ""]
Time: TypeAlias = float | Float[Array, ""] | Float[np.ndarray, ""]

# u(t, .) at a frozen time: one point in, one value out; callers vmap.
Field: TypeAlias = Callable[[Float[Array, " d"]], Array]


class WeightedPoints(eqx.Module):
    """Points and the weights of the mean over the domain (they sum to one)."""

    points: Points
    weights: Weights

    @classmethod
    def equal(cls, points: Points) -> "WeightedPoints":
        """Points that all weigh the same."""
        n = points.shape[0]
        return cls(points, jnp.full((n,), 1 / n, points.dtype))


# (t, points of shape (n, d)) to values of shape (n, c).
Reference: TypeAlias = Callable[[float, np.ndarray], np.ndarray | Array]
