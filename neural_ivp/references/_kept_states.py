"""States of an integration in time, kept at the times that were asked for."""

import bisect
from collections.abc import Callable

import numpy as np

_MOST_STATES = 64


class KeptStates:
    """The state at any t >= 0, integrated from the last kept one before it.

    Args:
        initial: the state at t = 0.
        march: callable (state, duration) -> the state that much later.
        check: callable (state, t) that raises for a state that is no solution.
    """

    def __init__(
        self,
        initial: np.ndarray,
        march: Callable[[np.ndarray, float], np.ndarray],
        check: Callable[[np.ndarray, float], None],
    ) -> None:
        self._march, self._check = march, check
        check(initial, 0.0)
        self._times, self._states = [0.0], [initial]

    def at(self, t: float) -> np.ndarray:
        """The state at a time; ValueError for t < 0 or one that is not finite."""
        if not 0.0 <= t < np.inf:
            raise ValueError(f"The solution starts at t = 0; it has no value at t = {t}.")
        index = bisect.bisect_right(self._times, t) - 1
        start, state = self._times[index], self._states[index]
        if t == start:
            return state
        state = self._march(state, t - start)
        self._check(state, t)
        if len(self._times) >= _MOST_STATES:  # the start stays
            del self._times[1], self._states[1]
            index = max(index - 1, 0)
        self._times.insert(index + 1, t)
        self._states.insert(index + 1, state)
        return state
