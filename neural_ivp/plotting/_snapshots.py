"""What the field panels draw: network and reference on one grid at a few saved times."""

from dataclasses import dataclass

import numpy as np

from ..solution import Solution
from ..solution._errors import Reference


@dataclass(frozen=True)
class Snapshots:
    """Values at k times and n points.

    - `times`: shape (k,).
    - `network`: shape (k, n, c).
    - `reference`: shape (k, n, c), or None where none is known.
    """

    times: np.ndarray
    network: np.ndarray
    reference: np.ndarray | None

    @property
    def error(self) -> np.ndarray:
        """|network - reference|, point by point."""
        assert self.reference is not None
        return np.abs(self.network - self.reference)


def few(ts: np.ndarray, count: int) -> np.ndarray:
    """At most `count` of the saved times, the first and the last among them, evenly spread."""
    wanted = np.linspace(ts[0], ts[-1], count)
    return ts[np.unique([np.argmin(np.abs(ts - t)) for t in wanted])]


def snapshots(
    solution: Solution, reference: Reference | None, points: np.ndarray, times: np.ndarray
) -> Snapshots:
    """Evaluate both at `times` and `points` of shape (n, d)."""
    network = [np.asarray(solution(float(t), points), float) for t in times]
    wanted = None
    if reference is not None:
        wanted = np.stack([np.asarray(reference(float(t), points), float) for t in times])
    return Snapshots(times, np.stack(network), wanted)


def cells(low: float, high: float, count: int) -> np.ndarray:
    """Centres of `count` equal cells: an image of them fills [low, high] exactly."""
    return low + (high - low) * (np.arange(count) + 0.5) / count
