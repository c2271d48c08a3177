"""Types that all rooms share.

The letters of axes: d space, c components, n points, p parameters, q quantities of the norm.
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
    """Quadrature points and weights: sum_i w_i f(x_i) approximates a mean of f.

    The mean is that over the domain, unless the sampler says otherwise (`SequentialMonteCarlo`).

    **Arguments:**

    - `points`: shape (n, d).
    - `weights`: shape (n,), of sum one; `WeightedPoints.equal(points)` gives equal ones.

    ```python
    points = nivp.WeightedPoints.equal(jnp.array([[0.2], [0.7]]))
    ```
    """

    points: Points
    weights: Weights

    @classmethod
    def equal(cls, points: Points) -> "WeightedPoints":
        """The points with equal weights."""
        n = points.shape[0]
        return cls(points, jnp.full((n,), 1 / n, points.dtype))


# (t, points of shape (n, d)) to values of shape (n, c).
Reference: TypeAlias = Callable[[float, np.ndarray], np.ndarray | Array]
