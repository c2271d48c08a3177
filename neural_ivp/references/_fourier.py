"""Pseudo-spectral reference for one semilinear scalar equation on a torus, d = 1 or 2.

    u_t = Lin u + N(u, derivatives of u),    u periodic with period lengths_i along axis i,

where Lin is diagonal in Fourier space with symbol Lhat(k), e.g. -0.1 |k|^2 for 0.1 Lap. Space:
num_modes grid points per axis; every term is truncated to the modes |m_i| < num_modes / 3. By
this 2/3 rule quadratic terms are not aliased, and higher powers by the size of the tail, which is
checked. Time: ETDRK4 of fourth order with coefficients averaged over a unit circle around h Lhat.

Source: Kassam and Trefethen, "Fourth-order time-stepping for stiff PDEs", SIAM J. Sci. Comput. 26
(2005) 1214-1233; the scheme is Cox and Matthews, J. Comput. Phys. 176 (2002) 430-455.
"""

from collections.abc import Callable, Sequence

import numpy as np

from ._sine_series import as_points, check_resolved, evaluate_series, sample_initial

Derivative = Callable[..., np.ndarray]  # derivative(field, axis=0, order=1) -> field
_CONTOUR_POINTS = 64


def etdrk4_coefficients(symbol: np.ndarray, step: float) -> tuple[np.ndarray, ...]:
    """(E, E2, Q, f1, f2, f3) of Kassam and Trefethen for h * symbol, each of symbol's shape."""
    scaled = step * symbol
    q, f1, f2, f3 = (np.zeros(symbol.shape, dtype=np.complex128) for _ in range(4))
    for j in range(_CONTOUR_POINTS):
        z = scaled + np.exp(2j * np.pi * (j + 0.5) / _CONTOUR_POINTS)
        e = np.exp(z)
        q += (np.exp(z / 2) - 1) / z
        f1 += (-4 - z + e * (4 - 3 * z + z**2)) / z**3
        f2 += (2 + z + e * (z - 2)) / z**3
        f3 += (-4 - 3 * z - z**2 + e * (4 - z)) / z**3
    means = [step * f / _CONTOUR_POINTS for f in (q, f1, f2, f3)]
    if np.isrealobj(symbol):
        means = [f.real for f in means]
    return np.exp(scaled), np.exp(scaled / 2), *means


class FourierReference:
    """Semilinear scalar equation on the torus prod_i [lower_i, lower_i + lengths_i), t from 0.

    Args:
        lengths, lower: periods and lower corner, each [d], d = 1 or 2.
        initial: numpy callable, points [n, d] -> [n].
        linear_symbol: callable of the list of d wave-number arrays k_i = 2 pi m_i / lengths_i, each
            on the whole grid; returns Lhat on the grid (complex allowed: -1j * c * k[0]).
        nonlinear: callable (u grid, derivative) -> grid with ``derivative(field, axis=0, order=1)``
            spectral, e.g. ``lambda u, D: -0.5 * D(u * u, 0)``. None: linear, solved exactly.
        num_modes: grid points per axis, the same on each.

    Raises:
        ValueError: bad shapes, a symbol that makes u complex, or not resolved by num_modes, at the
            start or at an output time.
    """

    def __init__(
        self,
        lengths: Sequence[float | int] | np.ndarray,
        lower: Sequence[float | int] | np.ndarray,
        initial: Callable[[np.ndarray], np.ndarray],
        linear_symbol: Callable[[list[np.ndarray]], np.ndarray],
        nonlinear: Callable[[np.ndarray, Derivative], np.ndarray] | None = None,
        num_modes: int = 256,
    ) -> None:
        self.lengths = np.atleast_1d(np.asarray(lengths, dtype=np.float64))
        self.lower = np.atleast_1d(np.asarray(lower, dtype=np.float64))
        self.dimension = self.lengths.size
        if self.lengths.shape != self.lower.shape or self.lengths.shape not in ((1,), (2,)):
            raise ValueError("lengths and lower must both have shape [d] with d = 1 or 2.")
        if not np.all(np.isfinite(self.lower) & (self.lengths > 0.0) & (self.lengths < np.inf)):
            raise ValueError("lengths must be positive and finite, and lower finite.")
        if num_modes < 8:
            raise ValueError(f"num_modes must be at least 8, got {num_modes}.")
        self.num_modes, self.nonlinear = num_modes, nonlinear
        self._modes = np.rint(np.fft.fftfreq(num_modes, 1.0 / num_modes))
        modes = np.meshgrid(*[self._modes] * self.dimension, indexing="ij")
        largest = np.max(np.abs(modes), axis=0)
        cutoff = (num_modes - 1) // 3
        self._kept, self._tail = largest <= cutoff, (largest > 0.9 * cutoff) & (largest <= cutoff)
        frequencies = [2.0 * np.pi * self._modes / length for length in self.lengths]
        self.wave_numbers = list(np.meshgrid(*frequencies, indexing="ij"))
        self._symbol = self._checked_symbol(linear_symbol)
        self.axes = [
            start + length * np.arange(num_modes) / num_modes
            for start, length in zip(self.lower, self.lengths, strict=True)
        ]
        state = np.fft.fftn(sample_initial(initial, self.axes))
        self._check(state, ~self._kept | self._tail, 0.0)
        self._initial = np.where(self._kept, state, 0.0)

    def solve(self, ts: Sequence[float | int] | np.ndarray, *, num_steps: int = 1000) -> np.ndarray:
        """Grids [T, N] or [T, N, N] at the times ts [T] (non-decreasing, from 0 on).

        num_steps is the number of ETDRK4 steps from 0 to ts[-1], divided among the intervals
        between output times (rounded up in each). Doubling it divides the error in time by 16, so
        two values of it measure that error. Not used if nonlinear is None.
        """
        times = np.asarray(ts, dtype=np.float64)
        if times.ndim != 1 or times.size == 0 or not np.all(np.isfinite(times)):
            raise ValueError("ts must be a non-empty array [T] of finite times.")
        if times[0] < 0.0 or np.any(np.diff(times) < 0.0) or num_steps < 1:
            raise ValueError("ts must not decrease or be negative; num_steps must be positive.")
        state, grids, cache = self._initial, [], {}
        for start, stop in zip([0.0, *times[:-1]], times, strict=True):
            if stop > start and self.nonlinear is None:
                state = np.exp((stop - start) * self._symbol) * state
            elif stop > start:
                count = int(np.ceil(num_steps * (stop - start) / times[-1] * (1.0 - 1e-12)))
                step = float(f"{(stop - start) / count:.13e}")  # equal for equally spaced times
                if step not in cache:
                    cache = {step: etdrk4_coefficients(self._symbol, step)}
                state = self._march(state, count, cache[step])
            self._check(state, self._tail, stop)
            grids.append(np.fft.ifftn(state).real)
        return np.stack(grids)

    def evaluate(
        self, ts: Sequence[float | int] | np.ndarray, points: np.ndarray, *, num_steps: int = 1000
    ) -> np.ndarray:
        """u [T, n] at times ts [T] and arbitrary points [n, d] (wrapped around the torus)."""
        return self.interpolate(self.solve(ts, num_steps=num_steps), points)

    def interpolate(self, grids: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Trigonometric interpolants of grids [T, N(, N)] at points [n, d], shape [T, n]."""
        grids = np.asarray(grids, dtype=np.float64)
        if grids.ndim == 0 or grids.shape[1:] != (self.num_modes,) * self.dimension:
            raise ValueError("grids must be an array [T, N] or [T, N, N] as solve returns it.")
        space = tuple(range(1, grids.ndim))
        coefficients = np.fft.fftn(grids, axes=space, norm="forward")
        values = evaluate_series(list(coefficients), self._waves, as_points(points, self.dimension))
        return np.real(np.stack(values))

    def _waves(self, points: np.ndarray) -> list[np.ndarray]:
        phase = 2.0 * np.pi * (points - self.lower) / self.lengths
        return [np.exp(1j * column[:, None] * self._modes) for column in phase.T]

    def _derivative(self, field: np.ndarray, axis: int = 0, order: int = 1) -> np.ndarray:
        factor = (1j * self.wave_numbers[axis]) ** order
        return np.fft.ifftn(factor * np.fft.fftn(field)).real

    def _nonlinear_hat(self, state: np.ndarray) -> np.ndarray:
        assert self.nonlinear is not None  # solve steps in time only then
        field = np.fft.ifftn(state).real
        value = np.asarray(self.nonlinear(field, self._derivative), dtype=np.float64)
        if value.shape != field.shape:
            raise ValueError(f"nonlinear must return {field.shape}, it returned {value.shape}.")
        return np.where(self._kept, np.fft.fftn(value), 0.0)

    @np.errstate(over="ignore", invalid="ignore")  # _check reports a solution that blew up
    def _march(
        self, state: np.ndarray, count: int, coefficients: tuple[np.ndarray, ...]
    ) -> np.ndarray:
        full, half, q, f1, f2, f3 = coefficients
        for _ in range(count):
            n_state = self._nonlinear_hat(state)
            a = half * state + q * n_state
            n_a = self._nonlinear_hat(a)
            n_b = self._nonlinear_hat(half * state + q * n_a)
            n_c = self._nonlinear_hat(half * a + q * (2.0 * n_b - n_state))
            state = full * state + f1 * n_state + 2.0 * f2 * (n_a + n_b) + f3 * n_c
        return state

    def _checked_symbol(
        self, linear_symbol: Callable[[list[np.ndarray]], np.ndarray]
    ) -> np.ndarray:
        grid = self.wave_numbers[0].shape
        symbol = np.where(self._kept, np.broadcast_to(linear_symbol(self.wave_numbers), grid), 0.0)
        axes = tuple(range(self.dimension))
        mirrored = np.roll(np.flip(symbol), 1, axis=axes).conj()  # entry m holds conj(Lhat(-m))
        if not np.allclose(symbol, mirrored, rtol=1e-10, atol=1e-12):
            raise ValueError("linear_symbol must satisfy L(-k) = conj(L(k)), so that u stays real.")
        return symbol

    def _check(self, state: np.ndarray, in_tail: np.ndarray, t: float) -> None:
        if not np.all(np.isfinite(state)):
            raise ValueError(f"The solution is not finite at t = {t}: raise num_steps.")
        check_resolved(
            state,
            in_tail,
            f"Raise num_modes (now {self.num_modes}; two thirds of them are used) if the solution "
            f"at t = {t} is narrow; if that does not help, it is not smooth or not periodic.",
        )
