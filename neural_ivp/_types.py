"""L0. Type aliases used by every layer.

Letters everywhere the same: d space, c components, n points, p parameters, h features.
"""

from collections.abc import Callable
from typing import TypeAlias

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
