"""Wall-clock seconds of a solve, for the report only: no number of a solution depends on them."""

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


class Stopwatch:
    """Started when it is made.

    - `compiling`: the list of `compile_clock`.
    - `before`: the seconds of a march that was resumed, which count as well.
    """

    def __init__(self, compiling: list[float], before: Mapping[str, float] | None = None):
        self.compiling, self.before = compiling, before or {}
        self.began = time.perf_counter()
        self.fit = self.fit_compiling = 0.0

    def fit_ended(self) -> None:
        """What follows is the march."""
        self.fit, self.fit_compiling = time.perf_counter() - self.began, sum(self.compiling)

    def seconds(self) -> dict[str, float]:
        """Of `compile`, `fit`, `evolve` and `total`, until now."""
        total, compiling = time.perf_counter() - self.began, sum(self.compiling)
        spent = {
            "compile": compiling,
            "fit": self.fit - self.fit_compiling,
            "evolve": total - self.fit - (compiling - self.fit_compiling),
            "total": total,
        }
        return {name: value + self.before.get(name, 0.0) for name, value in spent.items()}
