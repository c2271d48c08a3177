"""Exact modal solutions of the wave and heat equations on a box with zero Dirichlet values.

On prod_i [l_i, u_i] with L_i = u_i - l_i the functions

    S_k(x) = prod_i sin(k_i pi (x_i - l_i) / L_i),    k_i = 1, 2, ...,

are eigenfunctions of -Lap with eigenvalue lam_k = sum_i (k_i pi / L_i)^2. With
u0 = sum_k b_k S_k the solutions are

    wave  u_t = v, v_t = c2 Lap u, (u, v)(0) = (u0, 0):
          u = sum_k b_k cos(w_k t) S_k,   v = -sum_k b_k w_k sin(w_k t) S_k,   w_k = sqrt(c2 lam_k)
    heat  u_t = D Lap u, u(0) = u0:
          u = sum_k b_k exp(-D lam_k t) S_k.

Source: separation of variables, e.g. Evans, *Partial Differential Equations*, sections 6.5, 7.1
and 7.2; b_k from the type-I discrete sine transform. The only errors are the truncation of the
series (its tail is checked) and rounding.
"""

from collections.abc import Callable, Sequence

import numpy as np
import scipy.fft

TAIL_TOLERANCE = 1e-8  # largest tail coefficient allowed, relative to the largest of all
_CHUNK_ENTRIES = 2**22  # entries of the largest temporary array while evaluating a series


def as_points(points: np.ndarray, dimension: int) -> np.ndarray:
    """Return ``points`` as a float64 array [n, d]; ValueError for another shape or non-finite."""
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != dimension:
        raise ValueError(f"points must have shape [n, {dimension}], got {list(points.shape)}.")
    if not np.all(np.isfinite(points)):
        raise ValueError("points must be finite.")
    return points


def sample_initial(
    initial: Callable[[np.ndarray], np.ndarray], axes: Sequence[np.ndarray]
) -> np.ndarray:
    """Values of ``initial`` on the tensor grid of ``axes`` (d arrays [N_i]), shape [N_1, ..., N_d].

    ``initial`` takes points [n, d] and returns [n]; ValueError if it does not, or is not finite.
    """
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    points = grid.reshape(-1, len(axes))
    values = np.asarray(initial(points), dtype=np.float64)
    if values.shape != (len(points),):
        raise ValueError(
            f"initial must map points [n, d] to values [n]; for points {list(points.shape)} it "
            f"returned {list(values.shape)}."
        )
    if not np.all(np.isfinite(values)):
        raise ValueError("initial returned values that are not finite.")
    return values.reshape(grid.shape[:-1])


def check_resolved(coefficients: np.ndarray, in_tail: np.ndarray, advice: str) -> None:
    """Raise ValueError if the coefficients selected by ``in_tail`` (same shape) are not negligible.

    ``advice`` ends the message: it says which argument to change.
    """
    magnitude = np.abs(coefficients)
    largest, tail = magnitude.max(), np.max(magnitude, where=in_tail, initial=0.0)
    if tail > TAIL_TOLERANCE * largest:
        raise ValueError(
            f"The series is not resolved: its largest coefficient in the last 10% of the modes is "
            f"{tail / largest:.1e} of the largest overall (allowed: {TAIL_TOLERANCE:.0e}). {advice}"
        )


def evaluate_series(
    coefficients: Sequence[np.ndarray],
    bases: Callable[[np.ndarray], list[np.ndarray]],
    points: np.ndarray,
) -> list[np.ndarray]:
    """Sum_k c_k prod_i B_i(x)_{k_i} for each c [N_1, ..., N_d] at points [n, d]; a list of [n].

    ``bases(points)`` gives the d matrices B_i [n, N_i]. One axis is contracted at a time, over
    chunks of points so that no temporary exceeds about ``_CHUNK_ENTRIES`` entries.
    """
    shape = coefficients[0].shape
    chunk_size = max(1, _CHUNK_ENTRIES // max(shape[0], coefficients[0].size // shape[0]))
    pieces: list[list[np.ndarray]] = [[] for _ in coefficients]
    for start in range(0, max(len(points), 1), chunk_size):
        factors = bases(points[start : start + chunk_size])
        for piece, array in zip(pieces, coefficients, strict=True):
            partial = factors[0] @ array.reshape(shape[0], -1)
            for factor in factors[1:]:
                partial = partial.reshape(*factor.shape, partial.shape[1] // factor.shape[1])
                partial = np.matmul(factor[:, None, :], partial)[:, 0, :]
            piece.append(partial[:, 0])
    return [np.concatenate(piece) for piece in pieces]


class SineSeries:
    """Sine series of ``initial`` on the box [lower, upper], and the exact evolution of it.

    Args:
        lower, upper: corners of the box, each [d]; d is any, memory is num_modes**d.
        initial: numpy callable, points [n, d] -> [n]; zero on the boundary. It is sampled on the
            num_modes**d interior grid points.
        num_modes: modes (and interior grid points) along each axis.

    Attributes:
        coefficients: b, shape [num_modes] * d, entry [j_1, ..., j_d] for k_i = j_i + 1.
        eigenvalues: lam, same shape.

    Raises:
        ValueError: lower >= upper, bad shapes, or the series is not resolved by num_modes.
    """

    def __init__(
        self,
        lower: Sequence[float | int] | np.ndarray,
        upper: Sequence[float | int] | np.ndarray,
        initial: Callable[[np.ndarray], np.ndarray],
        *,
        num_modes: int = 128,
    ) -> None:
        self.lower = np.atleast_1d(np.asarray(lower, dtype=np.float64))
        self.upper = np.atleast_1d(np.asarray(upper, dtype=np.float64))
        if self.lower.ndim != 1 or self.lower.shape != self.upper.shape:
            raise ValueError("lower and upper must both have shape [d].")
        if not np.all(np.isfinite(self.upper - self.lower) & (self.lower < self.upper)):
            raise ValueError("lower must be below upper on every axis, and both finite.")
        if num_modes < 2:
            raise ValueError(f"num_modes must be at least 2, got {num_modes}.")
        self.dimension = self.lower.size
        self._mode = np.arange(1, num_modes + 1)
        lengths = self.upper - self.lower
        axes = self.lower[:, None] + lengths[:, None] * self._mode / (num_modes + 1)
        values = sample_initial(initial, list(axes))
        self.coefficients = scipy.fft.dstn(values, type=1) / (num_modes + 1) ** self.dimension
        mode = np.meshgrid(*[self._mode] * self.dimension, indexing="ij")
        self.eigenvalues = sum((np.pi * k / w) ** 2 for k, w in zip(mode, lengths, strict=True))
        check_resolved(
            self.coefficients,
            np.max(mode, axis=0) > 0.9 * num_modes,
            f"Raise num_modes (now {num_modes}) if the initial condition is narrow; if that does "
            "not help, it is not smooth, or not zero on the boundary of the box.",
        )

    def wave(
        self, speed_squared: float, t: float, points: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(u, v), each [n], at time t and points [n, d]: u_t = v, v_t = speed_squared * Lap u.

        Starts from (initial, 0). ValueError for speed_squared < 0 or points outside the box.
        """
        if not (speed_squared >= 0.0 and np.isfinite(t)):
            raise ValueError("speed_squared must not be negative, and t must be finite.")
        frequency = np.sqrt(speed_squared * self.eigenvalues)
        u = self.coefficients * np.cos(frequency * t)
        v = -self.coefficients * frequency * np.sin(frequency * t)
        u, v = evaluate_series([u, v], self._sines, self._inside(points))
        return u, v

    def heat(self, diffusivity: float, t: float, points: np.ndarray) -> np.ndarray:
        """u [n] at time t and points [n, d]: u_t = diffusivity * Lap u, u(0) = initial.

        ValueError for diffusivity < 0, t < 0 (ill-posed) or points outside the box.
        """
        if not (diffusivity >= 0.0 and 0.0 <= t < np.inf):
            raise ValueError("diffusivity and t must not be negative, and t must be finite.")
        u = self.coefficients * np.exp(-diffusivity * t * self.eigenvalues)
        return evaluate_series([u], self._sines, self._inside(points))[0]

    def _inside(self, points: np.ndarray) -> np.ndarray:
        points = as_points(points, self.dimension)
        slack = 1e-12 * (self.upper - self.lower)
        outside = np.any((points < self.lower - slack) | (points > self.upper + slack), axis=1)
        if np.any(outside):
            raise ValueError(
                f"{outside.sum()} of {len(points)} points lie outside the box "
                f"{self.lower.tolist()} .. {self.upper.tolist()}, for example "
                f"{points[outside][0].tolist()}."
            )
        return points

    def _sines(self, points: np.ndarray) -> list[np.ndarray]:
        scaled = np.pi * (points - self.lower) / (self.upper - self.lower)
        return [np.sin(column[:, None] * self._mode) for column in scaled.T]
