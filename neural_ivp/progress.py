"""What `solve` reports while it runs, for a progress display."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from .errors import InputError


@dataclass(frozen=True)
class Progress:
    """Where a solve stands.

    - `phase`: "fit", "refit" or "evolve".
    - `fraction`: done of the phase, 0 to 1.
    - `t`: time reached.
    - `stage`: of a fit: "adam", "last layer".
    - `numbers`: what to show: of a fit `step` and `error`; of the evolution `dt`,
      `iterations`, `residual`, `steps` (accepted) and `attempts`.
    - `record`: of the attempted step, by the names of `StepRecord`; None in a fit.
    """

    phase: str
    fraction: float
    t: float
    numbers: dict[str, float]
    stage: str = ""
    record: Mapping[str, np.ndarray] | None = None


Report: TypeAlias = Callable[[Progress], None]


def check_progress(progress: Any) -> None:
    """**Raises:** `InputError` for something that cannot be called."""
    if not callable(progress):
        raise InputError(f"`progress` must be a function of one report, as print, got {progress!r}")
