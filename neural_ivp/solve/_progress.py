"""What `solve` reports while it runs, for a progress display; and how it counts compile time."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from .._errors import InputError


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


_COMPILING = (
    "/jax/core/compile/jaxpr_to_mlir_module_duration",
    "/jax/core/compile/backend_compile_duration",
)

Report = Callable[[Progress], None]


def check_progress(progress: Any) -> None:
    """**Raises:** `InputError` for something that cannot be called."""
    if not callable(progress):
        raise InputError(f"`progress` must be a function of one report, as print, got {progress!r}")


@contextlib.contextmanager
def compile_clock() -> Iterator[list[float]]:
    """Seconds that JAX spends lowering and compiling inside the block, as a list.

    Tracing is left out: its events nest and would be counted twice.
    """
    seconds: list[float] = []

    def listen(event: str, duration_secs: float, **_: str | int) -> None:
        if event in _COMPILING:
            seconds.append(duration_secs)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield seconds
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
