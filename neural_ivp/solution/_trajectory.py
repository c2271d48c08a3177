"""The parameters as a function of time: cubic Hermite between the accepted steps."""

from collections.abc import Sequence

import numpy as np


class Segment:
    """Accepted steps between two restarts.

    - `ts`: shape (k + 1,), increasing.
    - `theta`: shape (k + 1, p).
    - `left`, `right`: dtheta/dt at the two ends of each step, shape (k, p). They differ from
      step to step, because each step has points of its own.

    The interpolant is of fourth order in the step, as the steps of a method of order four or
    more deserve at knots two apart (Hairer, Norsett & Wanner, II.6).
    """

    def __init__(self, ts: np.ndarray, theta: np.ndarray, left: np.ndarray, right: np.ndarray):
        self.ts, self.theta, self.left, self.right = ts, theta, left, right

    def __call__(self, t: float) -> np.ndarray:
        """theta(t); at a knot exactly the stored vector."""
        if len(self.ts) == 1:
            return self.theta[0]
        k = int(np.clip(np.searchsorted(self.ts, t, side="right") - 1, 0, len(self.ts) - 2))
        h = self.ts[k + 1] - self.ts[k]
        s = (t - self.ts[k]) / h
        if s == 0.0 or s == 1.0:
            return self.theta[k + int(s)]
        rise = self.theta[k + 1] - self.theta[k]
        bend = (1 - 2 * s) * rise + h * ((s - 1) * self.left[k] + s * self.right[k])
        value = (1 - s) * self.theta[k] + s * self.theta[k + 1] + s * (s - 1) * bend
        return value.astype(self.theta.dtype)


def evaluate(segments: Sequence[Segment], t: float) -> np.ndarray:
    """theta(t) on the last segment that starts at or before t: after a refit at that time."""
    chosen = segments[0]
    for segment in segments:
        if segment.ts[0] <= t:
            chosen = segment
    return chosen(t)
