"""The accepted steps of one segment, on the host."""

import numpy as np

from .._types import Theta
from ..evolution import StepRecord
from ..solution import Segment


class Recorder:
    """Grows step by step; `segment` is what has been reached."""

    def __init__(self, t: float, theta: Theta):
        self.ts, self.theta = [t], [np.asarray(theta)]
        self.left: list[np.ndarray] = []
        self.right: list[np.ndarray] = []

    @classmethod
    def of(cls, segment: Segment) -> "Recorder":
        """One that goes on from a segment."""
        made = cls(float(segment.ts[0]), segment.theta[0])
        made.ts, made.theta = segment.ts.tolist(), list(segment.theta)
        made.left, made.right = list(segment.left), list(segment.right)
        return made

    def add(self, t: float, theta: Theta, record: StepRecord) -> None:
        """Keep an accepted step to the time t."""
        self.ts.append(t)
        self.theta.append(np.asarray(theta))
        self.left.append(np.asarray(record.velocity0))
        self.right.append(np.asarray(record.velocity1))

    def cut(self, steps: int) -> None:
        """Forget all but the first steps."""
        del self.ts[steps + 1 :], self.theta[steps + 1 :], self.left[steps:], self.right[steps:]

    def segment(self) -> Segment:
        p, dtype = self.theta[0].size, self.theta[0].dtype
        empty = np.zeros((0, p), dtype)
        return Segment(
            np.asarray(self.ts),
            np.stack(self.theta),
            np.stack(self.left) if self.left else empty,
            np.stack(self.right) if self.right else empty,
        )
