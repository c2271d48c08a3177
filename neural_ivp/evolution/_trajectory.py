"""Dense output: the parameters as a function of time, cubic between the accepted steps."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..errors import InputError
from ..networks import AbstractNetwork, flatten
from ..types import Theta
from ._state import StepRecord

_ARRAYS = ("ts", "theta", "left", "right")


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


class SegmentRecorder:
    """The accepted steps of one segment, on the host; `segment` is what has been reached."""

    def __init__(self, t: float, theta: Theta):
        self.ts, self.theta = [t], [np.asarray(theta)]
        self.left: list[np.ndarray] = []
        self.right: list[np.ndarray] = []

    @classmethod
    def of(cls, segment: Segment) -> "SegmentRecorder":
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


def evaluate(segments: Sequence[Segment], t: float) -> np.ndarray:
    """theta(t) on the last segment that starts at or before t: after a refit at that time."""
    chosen = segments[0]
    for segment in segments:
        if segment.ts[0] <= t:
            chosen = segment
    return chosen(t)


def segment_arrays(segments: Sequence[Segment]) -> dict[str, np.ndarray]:
    """The arrays of segments by the names that they have in a file."""
    return {
        f"segment{k}.{part}": getattr(segment, part)
        for k, segment in enumerate(segments)
        for part in _ARRAYS
    }


def segments_from(arrays: Mapping[str, np.ndarray], count: int) -> list[Segment]:
    """The way back from `segment_arrays`."""
    return [Segment(*(arrays[f"segment{k}.{part}"] for part in _ARRAYS)) for k in range(count)]


def record_from(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What a file holds of each attempted step."""
    return {k.removeprefix("record."): v for k, v in arrays.items() if k.startswith("record.")}


def check_size(network: AbstractNetwork, segments: Sequence[Segment]) -> None:
    """**Raises:** `InputError` if a file's parameters are not those of this network."""
    p, held = flatten(network)[0].size, segments[0].theta.shape[1]
    if held != p:
        raise InputError(
            f"`network` has {p} parameters, the file {held}: pass the network that was solved with"
        )
