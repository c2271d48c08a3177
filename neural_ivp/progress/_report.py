"""The reports of a running solve."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from ..errors import InputError

# The stage of a report that comes before a compilation.
COMPILING = "compiling"


@dataclass(frozen=True, repr=False)
class Progress:
    """A report of a running solve, passed to `solve(progress=...)`; in print one line.

    **Arguments:**

    - `phase`: "fit", "refit" or "evolve".
    - `fraction`: completed part of the phase, 0 to 1.
    - `t`: time reached.
    - `numbers`: values to display, by name. Fit: `step`, `error`; evolution: `dt`, `iterations`,
      `residual`, `steps` (accepted), `attempts`. Empty before a compilation.
    - `stage`: name of the stage of a fit, such as "adam" or "last layer"; "compiling" before a
      compilation.
    - `record`: statistics of the attempted step, named as in `StepRecord`; None in a fit and before
      a compilation.

    ```python
    ts, key = [0.0, 1e-3], jax.random.key(0)
    nivp.solve(problem, network, method, ts=ts, key=key, progress=print)
    ```
    """

    phase: str
    fraction: float
    t: float
    numbers: dict[str, float] = field(default_factory=dict)
    stage: str = ""
    record: Mapping[str, np.ndarray] | None = None

    @property
    def compiling(self) -> bool:
        """Whether a compilation follows, which may take a minute."""
        return self.stage == COMPILING

    @property
    def detail(self) -> str:
        """The numbers in words."""
        numbers = self.numbers
        at = "" if self.phase == "fit" else f"t = {self.t:<8.4g}  "
        if self.compiling:
            return f"{at}compiling ..."
        if self.phase != "evolve":
            return f"{at}held-out error {numbers['error']:.2e}"
        iterations = f"  CG iterations {numbers['iterations']}" if numbers["iterations"] else ""
        return f"{at}step {numbers['dt']:.1e}{iterations}  residual {numbers['residual']:.1e}"

    def __str__(self) -> str:
        return f"{self.phase:<7} {self.fraction:4.0%}  {self.detail}"

    def __repr__(self) -> str:
        return f"Progress({' '.join(str(self).split())})"


ProgressCallback: TypeAlias = Callable[[Progress], None]


def no_progress(progress: Progress) -> None:
    """Show nothing."""


def check_progress(progress: Any) -> None:
    """Raise `InputError` unless `progress` is None, True, False or a function."""
    if progress is not None and not isinstance(progress, bool) and not callable(progress):
        raise InputError(
            "`progress` must be True, False, None (a display on a terminal and in a notebook) or a "
            f"function of one report, as print, got {progress!r}"
        )
