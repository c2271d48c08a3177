"""Burgers' equation on [-1, 1] from -sin(pi x), by the Cole-Hopf transform and quadrature.

    u_t + u u_x = nu u_xx,   u(t, -1) = u(t, 1) = 0,

has the solution u = -int sin(pi y) w(y) dy / int w(y) dy with

    w(y) = exp(-cos(pi y) / (2 pi nu) - (x - y)^2 / (4 nu t)).

The integrand is entire and decays like a normal density, so that the trapezoidal rule on the line
converges exponentially. The largest exponent at each x is subtracted, or w overflows for small nu.

Source: Cole, "On a quasi-linear parabolic equation occurring in aerodynamics", Quart. Appl. Math. 9
(1951) 225-236; Basdevant et al., Computers & Fluids 14 (1986) 23-41, for this initial value.
"""

import numpy as np

from ._sine_series import as_points

_CHUNK_ENTRIES = 2**21


def burgers_sine(
    viscosity: float, t: float, points: np.ndarray, *, nodes_per_width: float = 2.0
) -> np.ndarray:
    """u [n] at a time t >= 0 and points [n, 1].

    nodes_per_width is the number of nodes for each width of the narrowest peak of w; 2 is enough
    for rounding. ValueError for viscosity <= 0 or t < 0.
    """
    x = as_points(points, 1)[:, 0]
    if not (0.0 < viscosity < np.inf and 0.0 <= t < np.inf):
        raise ValueError("viscosity must be positive, t not negative, and both finite.")
    if t == 0.0:
        return -np.sin(np.pi * x)
    # Beyond the radius w is below e^-40 of its largest value, whatever the cosine is.
    radius = np.sqrt(4.0 * viscosity * t * (1.0 / (np.pi * viscosity) + 40.0))
    width = 1.0 / np.sqrt(1.0 / (2.0 * viscosity * t) + np.pi / (2.0 * viscosity))
    half = int(np.ceil(nodes_per_width * radius / width))
    shifts = radius / half * np.arange(-half, half + 1)
    decay = shifts**2 / (4.0 * viscosity * t)
    chunk = max(1, _CHUNK_ENTRIES // shifts.size)
    pieces = [
        _weighted_mean(x[start : start + chunk, None] + shifts, decay, viscosity)
        for start in range(0, max(x.size, 1), chunk)
    ]
    return np.concatenate(pieces)


def _weighted_mean(y: np.ndarray, decay: np.ndarray, viscosity: float) -> np.ndarray:
    exponent = -np.cos(np.pi * y) / (2.0 * np.pi * viscosity) - decay
    weights = np.exp(exponent - np.max(exponent, axis=1, keepdims=True))
    return -np.sum(weights * np.sin(np.pi * y), axis=1) / np.sum(weights, axis=1)
