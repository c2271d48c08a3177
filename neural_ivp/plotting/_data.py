"""The contents of the figures as arrays and labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..domains import AbstractDomain


@dataclass(frozen=True)
class PlaneData:
    """The marginal density of a pair of coordinates at k times.

    - `domain`: of the cells, in two dimensions.
    - `axes`: the two coordinates.
    - `values`: at the cells, the first coordinate fastest, shape (k, n).
    """

    domain: AbstractDomain
    axes: tuple[int, int]
    values: np.ndarray


@dataclass(frozen=True)
class FieldData:
    """Values at k times and n points.

    - `domain`: of the points.
    - `times`: shape (k,).
    - `axes`: the coordinates of space that are drawn: one, two, or those of marginals.
    - `points`: shape (n, d), those of `field_points`.
    - `network`: shape (k, n, c); NaN outside of the domain.
    - `reference`: shape (k, n, c); None if unknown.
    - `interval`: the first and the last time of the solution.
    - `names`: of the components, c words.
    - `space_time_values`: in one dimension the network on the grid of `space_time_grid`, of shape
      (m, j, c).
    - `position`: a point of the plane that is drawn in more than two dimensions, shape (d,).
    - `plane`: of a density in more than two dimensions, whose components here are the marginal
      densities of `axes`, that of a pair; None otherwise.
    """

    domain: AbstractDomain
    times: np.ndarray
    axes: tuple[int, ...]
    points: np.ndarray
    network: np.ndarray
    reference: np.ndarray | None
    interval: tuple[float, float]
    names: tuple[str, ...]
    space_time_values: np.ndarray | None = None
    position: np.ndarray | None = None
    plane: PlaneData | None = None

    @property
    def components(self) -> int:
        return self.network.shape[-1]

    @property
    def error(self) -> np.ndarray:
        """|network - reference| at each point."""
        assert self.reference is not None
        return np.abs(self.network - self.reference)


@dataclass(frozen=True)
class ErrorData:
    """Relative errors at times `ts`: of all components, (k,), and of each, (k, c); their names."""

    ts: np.ndarray
    relative_l2: np.ndarray
    relative_l2_by_component: np.ndarray
    names: tuple[str, ...]


@dataclass(frozen=True)
class MarchData:
    """The course of a solve.

    - `record`: the quantities of `StepRecord`, one array each with an entry per attempted step.
    - `restarts`: their times.
    - `interval`: the first and the last time of the solution.
    - `error`: against a reference; None if unknown.
    """

    record: Mapping[str, np.ndarray]
    restarts: Sequence[float]
    interval: tuple[float, float]
    error: ErrorData | None


@dataclass(frozen=True)
class FitData:
    """The first component of a fit and of its target; NaN where one is not finite.

    - `domain`: of the points.
    - `points`, `fit`: those of `field_points`, shape (n, d), and the fit there, shape (n,).
    - `target_points`, `target`, `error`: the points of the target, shape (m, d), its values and
      |fit - target| there, shape (m,).
    - `scattered`: whether the target is `ScatteredData`.
    - `components`: the number of components.
    - `position`: a point of the plane that is drawn in more than two dimensions, shape (d,).
    """

    domain: AbstractDomain
    points: np.ndarray
    fit: np.ndarray
    target_points: np.ndarray
    target: np.ndarray
    error: np.ndarray
    scattered: bool
    components: int
    position: np.ndarray | None = None


@dataclass(frozen=True)
class FitHistory:
    """Errors along a fit.

    - `reports`: (name of the stage, its step, held-out error), in order.
    - `endings`: why each stage ended.
    - `final`: the error of the network that the fit returned.
    """

    reports: Sequence[tuple[str, int, float]]
    endings: Sequence[str]
    final: float


def cells(low: float, high: float, count: int) -> np.ndarray:
    """Centres of `count` equal cells: an image of them fills [low, high] exactly."""
    return low + (high - low) * (np.arange(count) + 0.5) / count
