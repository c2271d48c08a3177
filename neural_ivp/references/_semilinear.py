"""Pseudo-spectral reference for semilinear systems on a torus, d = 1 or 2.

    u_t = L u + M g(u),    u with c components, periodic with period lengths_i along axis i,

where L and M are diagonal in Fourier space and in the components, and g acts on the values at one
point: M = 1 for a reaction, -i k / 2 and g = u^2 for a flux. Every term is truncated to the modes
|m_i| < num_modes / 3. By this 2/3 rule quadratic g are not aliased, and higher powers by the size
of the tail, which is checked. Time: ETDRK4 of fourth order, in equal steps of at most `step`.

`FourierReference` takes any nonlinear term of one component. This class has a narrower form, which
needs two real transforms for each evaluation, and it keeps the states that it was asked for.

Source: Kassam and Trefethen, "Fourth-order time-stepping for stiff PDEs", SIAM J. Sci. Comput. 26
(2005) 1214-1233.
"""

from collections.abc import Callable, Sequence

import numpy as np
import scipy.fft

from ._fourier import etdrk4_coefficients
from ._kept_states import KeptStates
from ._sine_series import as_points, check_resolved, evaluate_series, sample_initial

Symbol = Callable[[list[np.ndarray]], np.ndarray]


class SemilinearReference:
    """The solution from t = 0 on: called with t and points [n, d] it returns u [n, c].

    Args:
        lengths, lower: periods and lower corner, each [d], d = 1 or 2.
        initial: c numpy callables, points [n, d] -> [n].
        linear: callable of the list of d arrays of wave numbers k_i; the symbols of L, an array
            that broadcasts against [c, *grid].
        reaction: g, callable of u [c, *grid] -> [c, *grid]. None: linear, solved exactly.
        outer: as linear, the symbols of M; 1 if not given.
        num_modes: grid points per axis, the same on each.
        step: the largest step in time; half of it divides the error in time by 16.

    Raises:
        ValueError: bad shapes, t < 0, or not resolved by num_modes.
    """

    def __init__(
        self,
        lengths: Sequence[float],
        lower: Sequence[float],
        initial: Sequence[Callable[[np.ndarray], np.ndarray]],
        linear: Symbol,
        reaction: Callable[[np.ndarray], np.ndarray] | None = None,
        *,
        outer: Symbol | None = None,
        num_modes: int,
        step: float = 1.0,
    ) -> None:
        self.lengths, self.lower = np.asarray(lengths, float), np.asarray(lower, float)
        if self.lengths.shape != self.lower.shape or self.lengths.shape not in ((1,), (2,)):
            raise ValueError("lengths and lower must both have shape [d] with d = 1 or 2.")
        if num_modes < 8 or not step > 0.0:
            raise ValueError("num_modes must be at least 8 and step positive.")
        self.dimension, self.num_modes, self.step = self.lengths.size, num_modes, step
        self.reaction = reaction
        self._cutoff = cutoff = (num_modes - 1) // 3
        # Real transforms: the last axis has modes from 0 on, and the others of both signs.
        signed = np.concatenate([np.arange(cutoff + 1), np.arange(-cutoff, 0)])
        self._modes = [signed] * (self.dimension - 1) + [np.arange(cutoff + 1)]
        modes = np.meshgrid(*self._modes, indexing="ij")
        waves = [2.0 * np.pi * m / length for m, length in zip(modes, self.lengths, strict=True)]
        grid = (len(initial), *modes[0].shape)
        self._tail = np.max(np.abs(modes), axis=0) > 0.9 * cutoff
        self._symbol = np.broadcast_to(linear(waves), grid)
        self._outer = 1.0 if outer is None else outer(waves)
        axes = [
            start + length * np.arange(num_modes) / num_modes
            for start, length in zip(self.lower, self.lengths, strict=True)
        ]
        state = self._transform(np.stack([sample_initial(f, axes) for f in initial]))
        self._kept = KeptStates(state, self._march, self._check)
        self._coefficients: dict[float, tuple[np.ndarray, ...]] = {}

    def __call__(self, t: float, points: np.ndarray) -> np.ndarray:
        state = self.state(float(t)) / self.num_modes**self.dimension
        # Modes of negative number along the last axis are the conjugates.
        state = np.where(np.arange(state.shape[-1]) > 0, 2.0, 1.0) * state
        values = evaluate_series(list(state), self._bases, as_points(points, self.dimension))
        return np.real(np.stack(values, axis=1))

    def state(self, t: float) -> np.ndarray:
        """The Fourier coefficients (not normalised) at a time, of kept modes only."""
        return self._kept.at(t)

    def _bases(self, points: np.ndarray) -> list[np.ndarray]:
        phase = 2.0 * np.pi * (points - self.lower) / self.lengths
        return [
            np.exp(1j * column[:, None] * m) for column, m in zip(phase.T, self._modes, strict=True)
        ]

    def _transform(self, fields: np.ndarray) -> np.ndarray:
        """The kept Fourier coefficients of fields [c, *grid]."""
        keep, last = self._cutoff + 1, self._cutoff
        state = scipy.fft.rfft(fields, axis=-1)[..., :keep]
        if self.dimension == 2:
            state = scipy.fft.fft(state, axis=1, overwrite_x=True)
            state = np.concatenate([state[:, :keep], state[:, -last:]], axis=1)
        return state

    def _fields(self, state: np.ndarray) -> np.ndarray:
        keep, last, n = self._cutoff + 1, self._cutoff, self.num_modes
        if self.dimension == 2:
            padded = np.zeros((state.shape[0], n, keep), complex)
            padded[:, :keep], padded[:, -last:] = state[:, :keep], state[:, -last:]
            state = scipy.fft.ifft(padded, axis=1, overwrite_x=True)
        return scipy.fft.irfft(state, n=n, axis=-1)

    def _nonlinear(self, state: np.ndarray) -> np.ndarray:
        assert self.reaction is not None  # there are steps in time only then
        return self._outer * self._transform(self.reaction(self._fields(state)))

    @np.errstate(over="ignore", invalid="ignore")  # _check reports a solution that blew up
    def _march(self, state: np.ndarray, duration: float) -> np.ndarray:
        if self.reaction is None:
            return np.exp(duration * self._symbol) * state
        count = int(np.ceil(duration / self.step * (1.0 - 1e-12)))
        step = float(f"{duration / count:.12e}")  # equal for equally spaced times
        if step not in self._coefficients:
            self._coefficients = {step: etdrk4_coefficients(self._symbol, step)}
        full, half, q, f1, f2, f3 = self._coefficients[step]
        for _ in range(count):
            n_state = self._nonlinear(state)
            a = half * state + q * n_state
            n_a = self._nonlinear(a)
            n_b = self._nonlinear(half * state + q * n_a)
            n_c = self._nonlinear(half * a + q * (2.0 * n_b - n_state))
            state = full * state + f1 * n_state + 2.0 * f2 * (n_a + n_b) + f3 * n_c
        return state

    def _check(self, state: np.ndarray, t: float) -> None:
        if not np.all(np.isfinite(state)):
            raise ValueError(f"The solution is not finite at t = {t}: lower step.")
        advice = f"Raise num_modes (now {self.num_modes}); the solution at t = {t} is narrow."
        for component in state:
            check_resolved(component, self._tail, advice)
