"""Wall-clock seconds of a solve, for the report only."""

import contextlib
import time
from collections.abc import Iterator, Mapping

import jax

_COMPILING = (
    "/jax/core/compile/jaxpr_to_mlir_module_duration",
    "/jax/core/compile/backend_compile_duration",
)


@contextlib.contextmanager
def compile_clock() -> Iterator[list[float]]:
    """A list of the seconds that JAX spends on lowering and compiling inside the block.

    Without tracing, whose events nest and would be counted twice.
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


class Stopwatch:
    """Measures the phases of a solve from its construction on.

    - `compiling`: the list of `compile_clock`.
    - `before`: the seconds of a resumed march up to its checkpoint, which are added.
    """

    def __init__(self, compiling: list[float], before: Mapping[str, float] | None = None):
        self.compiling, self.before = compiling, before or {}
        self.start = time.perf_counter()
        self.fit = self.fit_compiling = 0.0

    def fit_ended(self) -> None:
        """Mark the end of the initial fit."""
        self.fit, self.fit_compiling = time.perf_counter() - self.start, sum(self.compiling)

    def seconds(self) -> dict[str, float]:
        """Seconds of `compile`, `fit`, `evolve` and `total` until now."""
        total, compiling = time.perf_counter() - self.start, sum(self.compiling)
        seconds = {
            "compile": compiling,
            "fit": self.fit - self.fit_compiling,
            "evolve": total - self.fit - (compiling - self.fit_compiling),
            "total": total,
        }
        return {name: value + self.before.get(name, 0.0) for name, value in seconds.items()}
