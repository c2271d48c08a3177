"""Exact Gaussian solutions of a Fokker-Planck equation whose drift is linear in x.

    u_t = sum_i d_i [ (x_i - a(t) + alpha (x_i - xbar)) u ] + (1 / beta) Lap u,   x in R^d,

with xbar = (1/d) sum_j x_j. It is the density of the Ornstein-Uhlenbeck process
dX = (A X + a(t) 1) dt + sqrt(2 / beta) dW, where

    A = -(1 + alpha) I + (alpha / d) 1 1^T,  A 1 = -1,  A y = -(1 + alpha) y if sum(y) = 0.

A Gaussian stays Gaussian. Multiplying the equation by x, and by (x - m)(x - m)^T, and integrating
by parts gives

    m' = A m + a(t) 1 = -(1 + alpha) m + a(t) 1 + alpha mean(m) 1,
    C' = A C + C A^T + (2 / beta) I.

Equivalently, for S = C + m m^T (checked in the tests):

    S' = -2 (1 + alpha) S + a (m 1^T + 1 m^T) + (alpha / d) (S 1 1^T + 1 1^T S) + (2 / beta) I.

Sources: Risken, *The Fokker-Planck Equation*, section 6.5 (Ornstein-Uhlenbeck in n variables); the
example itself is the harmonic-trap problem of Bruna, Peherstorfer and Vanden-Eijnden, "Neural
Galerkin schemes with active learning for high-dimensional evolution equations" (2022).
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.integrate import solve_ivp
from scipy.linalg import solve_triangular

from ._sine_series import as_points


def fokker_planck_moments(
    ts: Sequence[float] | np.ndarray,
    *,
    dimension: int,
    mean0: np.ndarray,
    variance0: float,
    alpha: float,
    beta: float,
    drift: Callable[[float], float],
    t0: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance at the times ``ts``, starting at t0 from N(mean0, variance0 I).

    The moment equations are integrated by DOP853 from each time to the next (so no dense-output
    error), with relative tolerance 1e-12.

    Args:
        ts: times [T], non-decreasing, none before t0.
        dimension: d.
        mean0: [d].
        variance0: a positive scalar.
        alpha, beta: attraction to the mean coordinate; inverse temperature (positive).
        drift: a(t), a smooth callable of one float.
        t0: the time at which mean0 and variance0 hold.

    Returns:
        (means [T, d], covariances [T, d, d]).

    Raises:
        ValueError: bad arguments. RuntimeError: the integrator failed (drift not finite, say).
    """
    times, mean0 = _check_times(ts, t0), _check_mean(mean0, dimension)
    if np.ndim(variance0) != 0 or not (variance0 > 0.0 and beta > 0.0):
        raise ValueError("variance0 and beta must be positive scalars.")
    identity = np.eye(dimension)
    matrix = -(1.0 + alpha) * identity + alpha / dimension

    def rate(t: float, state: np.ndarray) -> np.ndarray:
        mean, covariance = state[:dimension], state[dimension:].reshape(dimension, dimension)
        mean_rate = matrix @ mean + float(drift(t))
        half = matrix @ covariance + identity / beta
        return np.concatenate([mean_rate, (half + half.T).ravel()])

    state = np.concatenate([mean0, (variance0 * identity).ravel()])
    states = np.empty((len(times), state.size))
    for row, (start, stop) in enumerate(zip([t0, *times[:-1]], times, strict=True)):
        state = _advance(rate, start, stop, state)
        states[row] = state
    return states[:, :dimension], states[:, dimension:].reshape(-1, dimension, dimension)


def _check_times(ts: Sequence[float] | np.ndarray, t0: float) -> np.ndarray:
    times = np.asarray(ts, dtype=np.float64)
    if times.ndim != 1 or times.size == 0 or not np.all(np.isfinite(times)):
        raise ValueError("ts must be a non-empty array [T] of finite times.")
    if times[0] < t0 or np.any(np.diff(times) < 0.0):
        raise ValueError(f"ts must not decrease and must not start before t0 = {t0}.")
    return times


def _check_mean(mean0: np.ndarray, dimension: int) -> np.ndarray:
    mean0 = np.asarray(mean0, dtype=np.float64)
    if dimension < 1 or mean0.shape != (dimension,):
        raise ValueError(f"mean0 must have shape [{dimension}], got {list(mean0.shape)}.")
    return mean0


def _advance(
    rate: Callable[[float, np.ndarray], np.ndarray], start: float, stop: float, state: np.ndarray
) -> np.ndarray:
    if stop == start:
        return state
    result = solve_ivp(rate, (start, stop), state, method="DOP853", rtol=1e-12, atol=1e-14)
    if not result.success or not np.all(np.isfinite(result.y[:, -1])):
        raise RuntimeError(
            f"The moment equations could not be integrated from t = {start} to t = {stop}: "
            f"{result.message} Check that drift is finite there."
        )
    return result.y[:, -1]


def gaussian_density(points: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Density [n] of N(mean [d], covariance [d, d]) at points [n, d], by a Cholesky factor.

    Raises ValueError for bad shapes or a covariance that is not symmetric positive definite.
    """
    mean = np.asarray(mean, dtype=np.float64)
    covariance = np.asarray(covariance, dtype=np.float64)
    if mean.ndim != 1 or covariance.shape != (mean.size, mean.size):
        raise ValueError("mean must have shape [d] and covariance [d, d].")
    points = as_points(points, mean.size)
    if not np.allclose(covariance, covariance.T, rtol=1e-10, atol=0.0):
        raise ValueError("covariance must be symmetric.")
    try:
        factor = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError as error:
        raise ValueError("covariance must be positive definite.") from error
    whitened = solve_triangular(factor, (points - mean).T, lower=True)
    log_norm = np.log(np.diagonal(factor)).sum() + 0.5 * mean.size * np.log(2.0 * np.pi)
    return np.exp(-0.5 * np.sum(whitened**2, axis=0) - log_norm)


def fokker_planck_solution(
    *,
    dimension: int,
    mean0: np.ndarray,
    variance0: float,
    alpha: float,
    beta: float,
    drift: Callable[[float], float],
    t0: float = 0.0,
) -> Callable[[float, np.ndarray], np.ndarray]:
    """The exact solution as a callable ``u(t, points [n, d]) -> [n]``.

    Arguments and errors as in :func:`fokker_planck_moments`; every call integrates from t0.
    """

    def u(t: float, points: np.ndarray) -> np.ndarray:
        means, covariances = fokker_planck_moments(
            [t], dimension=dimension, mean0=mean0, variance0=variance0,
            alpha=alpha, beta=beta, drift=drift, t0=t0,
        )  # fmt: skip
        return gaussian_density(points, means[0], covariances[0])

    return u
