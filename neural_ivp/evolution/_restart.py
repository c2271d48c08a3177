"""When to refit the network from scratch: deterministic rules, never a wall clock."""

import abc
import math

import equinox as eqx

from .._errors import check_positive
from ..fitting import AbstractFitStage


class AbstractRestartRule(eqx.Module):
    """Decides at which times the solution is refitted by a fresh network."""

    # How to refit; None: as the initial value was fitted.
    fit: eqx.AbstractVar[tuple[AbstractFitStage, ...] | None]

    @abc.abstractmethod
    def next_time(self, t: float, t0: float) -> float:
        """The first restart time after t, for a solve from t0 (infinite for none)."""


class NoRestart(AbstractRestartRule):
    """Never refit."""

    fit: None = None

    def next_time(self, t: float, t0: float) -> float:
        return math.inf


class PeriodicRestart(AbstractRestartRule):
    """Refit a freshly initialised network to the current one at t0 + every, t0 + 2 every, ...

    **Arguments:**

    - `every`: time between restarts, positive.
    - `fit`: stages of the refit; those of the initial fit if not given.

    **Raises:** `InputError` for a time that is not positive.

    Source: Finzi et al., ICLR 2023, section 4.3, where a wall clock triggers it; here only the
    simulated time does.
    """

    every: float = eqx.field(static=True)
    fit: tuple[AbstractFitStage, ...] | None = None

    def __check_init__(self):
        check_positive("every", self.every)

    def next_time(self, t: float, t0: float) -> float:
        passed = math.floor((t - t0) / self.every * (1 + 1e-12) + 1e-9)
        return t0 + (passed + 1) * self.every
