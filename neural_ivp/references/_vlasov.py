"""The Vlasov equation in a fixed potential, by its characteristics.

    u_t + v u_x - phi'(x) u_v = 0,   phi = strength cos(x),

carries u unchanged along x' = v, v' = strength sin(x), the flow of a pendulum. The value at a time
and a point is the initial one where the orbit through that point was at t = 0.

Source: the method of characteristics, e.g. Evans, *Partial Differential Equations*, section 3.2.
"""

import numpy as np
from scipy.integrate import solve_ivp

from ._sine_series import as_points


def vlasov_pendulum(
    strength: float, t: float, points: np.ndarray, *, tolerance: float = 1e-12
) -> np.ndarray:
    """u [n] at a time t >= 0 and points (x, v) [n, 2], from the density of N(0, 1) in v.

    The orbits are integrated by DOP853 with the relative and absolute `tolerance`. ValueError for
    t < 0; RuntimeError if the integrator failed.
    """
    points = as_points(points, 2)
    if not (0.0 <= t < np.inf and np.isfinite(strength)):
        raise ValueError("t must not be negative, and t and strength must be finite.")
    n = len(points)

    def rate(time: float, state: np.ndarray) -> np.ndarray:
        del time
        return np.concatenate([state[n:], strength * np.sin(state[:n])])

    speed = points[:, 1]
    if t > 0.0 and n > 0:
        orbit = solve_ivp(
            rate, (t, 0.0), points.T.ravel(), method="DOP853", rtol=tolerance, atol=tolerance
        )
        if not orbit.success:
            raise RuntimeError(f"The orbits could not be integrated back from t = {t}.")
        speed = orbit.y[n:, -1]
    return np.exp(-(speed**2) / 2.0) / np.sqrt(2.0 * np.pi)
