"""Dense output: the parameters as a piecewise cubic function of time."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from ..errors import InputError
from ..networks import AbstractNetwork, WithVelocity, flatten
from ..types import Theta
from ._state import StepRecord

_ARRAYS = ("ts", "theta", "left", "right")


# Coefficients of 1, s, ..., s^5 of the polynomials of quintic Hermite interpolation in [0, 1]:
# values, slopes and second derivatives, each at both ends.
QUINTIC = np.array(
    [
        [1, 0, 0, -10, 15, -6],
        [0, 0, 0, 10, -15, 6],
        [0, 1, 0, -6, 8, -3],
        [0, 0, 0, -4, 7, -3],
        [0, 0, 0.5, -1.5, 1.5, -0.5],
        [0, 0, 0, 0.5, -1, 0.5],
    ]
)


class Segment:
    """The accepted steps between two restarts, with cubic Hermite interpolation.

    For parameters (theta, w) of a network with a velocity theta is a quintic, and w its derivative.

    - `ts`: shape (k + 1,), increasing.
    - `theta`: shape (k + 1, p).
    - `left`, `right`: dtheta/dt at the two ends of each step, shape (k, p). They differ at a knot,
      because each step has its own points.
    - `moving`: whether the parameters are (theta, w).

    Source: Hairer, Norsett & Wanner, "Solving ordinary differential equations I", II.6.
    """

    def __init__(
        self,
        ts: np.ndarray,
        theta: np.ndarray,
        left: np.ndarray,
        right: np.ndarray,
        *,
        moving: bool = False,
    ):
        self.ts, self.theta, self.left, self.right = ts, theta, left, right
        self.moving = moving

    def __call__(self, t: float) -> np.ndarray:
        """theta(t); at a knot the stored vector, bit for bit."""
        if len(self.ts) == 1:
            return self.theta[0]
        k = int(np.clip(np.searchsorted(self.ts, t, side="right") - 1, 0, len(self.ts) - 2))
        h = self.ts[k + 1] - self.ts[k]
        s = (t - self.ts[k]) / h
        if s == 0.0 or s == 1.0:
            return self.theta[k + int(s)]
        if self.moving:
            return self._moving(k, h, s).astype(self.theta.dtype)
        change = self.theta[k + 1] - self.theta[k]
        cubic = (1 - 2 * s) * change + h * ((s - 1) * self.left[k] + s * self.right[k])
        value = (1 - s) * self.theta[k] + s * self.theta[k + 1] + s * (s - 1) * cubic
        return value.astype(self.theta.dtype)

    def _moving(self, k: int, h: float, s: float) -> np.ndarray:
        """Parameters and their velocity within step k."""
        p = self.theta.shape[1] // 2
        ends, velocities = self.theta[k : k + 2, :p], (self.left[k], self.right[k])
        slopes, curvatures = ([v[part] for v in velocities] for part in (np.s_[:p], np.s_[p:]))
        data = np.stack([*ends, *(h * w for w in slopes), *(h**2 * w for w in curvatures)])
        powers = s ** np.arange(6)
        rates = np.concatenate([[0], np.arange(1, 6) * powers[:5]])
        return np.concatenate([(QUINTIC @ powers) @ data, (QUINTIC @ rates) @ data / h])


class SegmentRecorder:
    """Collects the accepted steps of one segment on the host."""

    def __init__(self, t: float, theta: Theta | Float[np.ndarray, " p"], *, moving: bool = False):
        self.ts, self.theta, self.moving = [t], [np.asarray(theta)], moving
        self.left: list[np.ndarray] = []
        self.right: list[np.ndarray] = []

    @classmethod
    def begin(cls, t: float, network: AbstractNetwork) -> "SegmentRecorder":
        """A recorder of a segment that starts with a network."""
        return cls(t, flatten(network)[0], moving=isinstance(network, WithVelocity))

    @classmethod
    def of(cls, segment: Segment) -> "SegmentRecorder":
        """A recorder that continues a segment."""
        recorder = cls(float(segment.ts[0]), segment.theta[0], moving=segment.moving)
        recorder.ts, recorder.theta = segment.ts.tolist(), list(segment.theta)
        recorder.left, recorder.right = list(segment.left), list(segment.right)
        return recorder

    def add(self, t: float, theta: Theta, record: StepRecord) -> None:
        """Add an accepted step that ends at time t."""
        self.ts.append(t)
        self.theta.append(np.asarray(theta))
        self.left.append(np.asarray(record.velocity0))
        self.right.append(np.asarray(record.velocity1))

    def cut(self, steps: int) -> None:
        """Remove all but the first `steps` steps."""
        del self.ts[steps + 1 :], self.theta[steps + 1 :], self.left[steps:], self.right[steps:]

    def segment(self) -> Segment:
        p, dtype = self.theta[0].size, self.theta[0].dtype
        left, right = (np.asarray(v, dtype).reshape(-1, p) for v in (self.left, self.right))
        arrays = np.asarray(self.ts), np.stack(self.theta), left, right
        return Segment(*arrays, moving=self.moving)


def evaluate(segments: Sequence[Segment], t: float) -> np.ndarray:
    """theta(t) on the last segment that starts at or before t: at a restart, after the refit.

    **Raises:** `InputError` for a time between two segments.
    """
    k = next((k for k in reversed(range(len(segments))) if segments[k].ts[0] <= t), 0)
    end = float(segments[k].ts[-1])
    if t > end and k + 1 < len(segments):
        raise InputError(
            f"`t` = {t} lies between the saved times {end} and {segments[k + 1].ts[0]}, and this "
            "solution was saved without what is between them (`dense=False`): take one of the "
            "saved times `ts`, or save the whole trajectory"
        )
    return segments[k](t)


def has_gaps(segments: Sequence[Segment]) -> bool:
    """Whether there are times between the segments."""
    return any(a.ts[-1] < b.ts[0] for a, b in itertools.pairwise(segments))


def segments_of_states(ts: np.ndarray, theta: np.ndarray) -> list[Segment]:
    """Segments of one time each, for the parameters theta of shape (k, p) at the times (k,)."""
    none = np.zeros((0, theta.shape[1]), theta.dtype)
    return [Segment(ts[k : k + 1], theta[k : k + 1], none, none) for k in range(len(ts))]


def segment_arrays(segments: Sequence[Segment]) -> dict[str, np.ndarray]:
    """The arrays of segments by their names in a file."""
    return {
        f"segment{k}.{part}": getattr(segment, part)
        for k, segment in enumerate(segments)
        for part in _ARRAYS
    }


def segments_from(
    arrays: Mapping[str, np.ndarray], count: int, template: AbstractNetwork
) -> list[Segment]:
    """The inverse of `segment_arrays`, for the parameters of a network like `template`."""
    moving = isinstance(template, WithVelocity)
    parts = [[arrays[f"segment{k}.{part}"] for part in _ARRAYS] for k in range(count)]
    return [Segment(*own, moving=moving) for own in parts]


def record_from(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of the record in a file, by the names of `StepRecord`."""
    return {k.removeprefix("record."): v for k, v in arrays.items() if k.startswith("record.")}


def check_num_parameters(network: AbstractNetwork, segments: Sequence[Segment]) -> None:
    """**Raises:** `InputError` if the number of parameters in a file is not that of `network`."""
    p, size = flatten(network)[0].size, segments[0].theta.shape[1]
    if size != p:
        raise InputError(
            f"`network` has {p} parameters, the file {size}: pass the network that was solved with"
        )
