"""Normal densities of Fokker-Planck equations with a drift linear in x, and full matrices.

    p_t = -div((A x + a(t)) p) + sum_ij D_ij d_ij p,   x in R^d.

Multiplying by x, and by (x - m)(x - m)^T, and integrating by parts gives

    m' = A m + a(t),   C' = A C + C A^T + 2 D,

for any start with these moments; a normal density stays normal. `fokker_planck_moments` is the case
of one attraction and one offset for all coordinates.

Source: Risken, *The Fokker-Planck Equation*, section 6.5.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.linalg import solve_triangular

from ._gaussian import _advance, _check_mean, _check_times
from ._sine_series import as_points


def linear_moments(
    ts: Sequence[float] | np.ndarray,
    *,
    matrix: np.ndarray,
    offset: Callable[[float], np.ndarray],
    diffusion: np.ndarray,
    mean0: np.ndarray,
    covariance0: np.ndarray,
    t0: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance at the times ``ts`` for the drift b(t, x) = A x + a(t).

    The moment equations are integrated by DOP853 from each time to the next, with relative
    tolerance 1e-12.

    Args:
        ts: times [T], non-decreasing, none before t0.
        matrix: A [d, d].
        offset: a, a smooth callable of one float -> [d].
        diffusion: D [d, d], symmetric, with no negative eigenvalue.
        mean0, covariance0: [d] and [d, d], symmetric.
        t0: the time at which mean0 and covariance0 hold.

    Returns:
        (means [T, d], covariances [T, d, d]).

    Raises:
        ValueError: bad arguments. RuntimeError: the integrator failed.
    """
    times, d = _check_times(ts, t0), np.size(mean0)
    mean0 = _check_mean(mean0, d)
    matrix, diffusion, covariance0 = (
        np.asarray(a, float) for a in (matrix, diffusion, covariance0)
    )
    if not matrix.shape == diffusion.shape == covariance0.shape == (d, d):
        raise ValueError(f"matrix, diffusion and covariance0 must have shape [{d}, {d}].")
    for name, a in {"diffusion": diffusion, "covariance0": covariance0}.items():
        if not np.allclose(a, a.T, rtol=1e-10) or np.linalg.eigvalsh(a)[0] < -1e-12 * np.trace(a):
            raise ValueError(f"{name} must be symmetric, with no negative eigenvalue.")
    if np.shape(offset(t0)) != (d,):
        raise ValueError(f"offset must return shape [{d}].")

    def rate(t: float, state: np.ndarray) -> np.ndarray:
        mean, covariance = state[:d], state[d:].reshape(d, d)
        half = matrix @ covariance + diffusion
        return np.concatenate([matrix @ mean + offset(t), (half + half.T).ravel()])

    state, states = np.concatenate([mean0, covariance0.ravel()]), []
    for start, stop in zip([t0, *times[:-1]], times, strict=True):
        state = _advance(rate, start, stop, state)
        states.append(state)
    return np.stack(states)[:, :d], np.stack(states)[:, d:].reshape(-1, d, d)


class GaussianDensity:
    """The normal density with a mean [d] and a positive definite covariance [d, d]."""

    def __init__(self, mean: np.ndarray, covariance: np.ndarray) -> None:
        self.mean, self.covariance = _check_mean(mean, np.size(mean)), np.asarray(covariance, float)
        if self.covariance.shape != (self.mean.size,) * 2:
            raise ValueError("mean must have shape [d] and covariance [d, d].")
        if not np.allclose(self.covariance, self.covariance.T, rtol=1e-10, atol=0.0):
            raise ValueError("covariance must be symmetric.")
        try:
            self._factor = np.linalg.cholesky(self.covariance)
        except np.linalg.LinAlgError as error:
            raise ValueError("covariance must be positive definite.") from error

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """log p [n] at points [n, d]."""
        shifted = (as_points(points, self.mean.size) - self.mean).T
        whitened = solve_triangular(self._factor, shifted, lower=True)
        return 0.5 * self.mean.size - self.entropy() - 0.5 * np.sum(whitened**2, axis=0)

    def entropy(self) -> float:
        """-int p log p."""
        logs = np.log(np.diagonal(self._factor)).sum()
        return float(logs + 0.5 * self.mean.size * (1.0 + np.log(2.0 * np.pi)))
