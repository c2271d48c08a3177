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
    ts, key = [0.0, 1e-3], jax.random.key(0)
    nivp.solve(problem, network, method, ts=ts, key=key, progress=print)
    ```
    """

    phase: str
    fraction: float
    t: float
    numbers: dict[str, float]
    stage: str = ""
    record: Mapping[str, np.ndarray] | None = None

    def __str__(self) -> str:
        numbers = self.numbers
        if self.phase != "evolve":
            at = f"t = {self.t:<8.4g}  " if self.phase == "refit" else ""
            return f"{at}held-out error {numbers['error']:.2e}"
        iterations = f"  CG iterations {numbers['iterations']}" if numbers["iterations"] else ""
        return (
            f"t = {self.t:<8.4g}  step {numbers['dt']:.1e}"
            f"{iterations}  residual {numbers['residual']:.1e}"
        )


ProgressCallback: TypeAlias = Callable[[Progress], None]


def no_progress(progress: Progress) -> None:
    """Show nothing."""


def check_progress(progress: Any) -> None:
    """Raise `InputError` unless `progress` can be called."""
    if not callable(progress):
        raise InputError(f"`progress` must be a function of one report, as print, got {progress!r}")
