"""What `solve` reports while it runs, for a progress display."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from .errors import InputError


@dataclass(frozen=True)
class Progress:
    """A report of a running solve, passed to `solve(progress=...)`.

    **Arguments:**

    - `phase`: "fit", "refit" or "evolve".
    - `fraction`: completed part of the phase, 0 to 1.
    - `t`: time reached.
    - `numbers`: values to display, by name. Fit: `step`, `error`; evolution: `dt`, `iterations`,
      `residual`, `steps` (accepted), `attempts`.
    - `stage`: name of the stage of a fit, such as "adam" or "last layer".
    - `record`: statistics of the attempted step, named as in `StepRecord`; None in a fit.

    ```python
    show = lambda report: print(report.phase, report.fraction)
    show(nivp.Progress("evolve", 0.5, 0.1, {"dt": 1e-3}))
    ```
    """

    phase: str
    fraction: float
    t: float
    numbers: dict[str, float]
    stage: str = ""
    record: Mapping[str, np.ndarray] | None = None


Report: TypeAlias = Callable[[Progress], None]


def check_progress(progress: Any) -> None:
    """Raise `InputError` unless `progress` can be called."""
    if not callable(progress):
        raise InputError(f"`progress` must be a function of one report, as print, got {progress!r}")
