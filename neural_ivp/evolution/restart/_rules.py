"""When to refit the network: deterministic rules, never a wall clock.

A rule says when; `Refit` says how.
"""

import abc
import math
from collections.abc import Mapping

import equinox as eqx
import numpy as np

from ...errors import InputError, check_count, check_positive

# Accepted steps since the last restart, one entry each, by the names of `StepRecord`.
Steps = Mapping[str, np.ndarray]


class AbstractRestartRule(eqx.Module):
    """Decides when the solution is refitted."""

    @abc.abstractmethod
    def next_time(self, t: float, t0: float) -> float:
        """The first restart after t that is known beforehand, for a solve from t0; infinite for
        none."""

    @abc.abstractmethod
    def due(self, steps: Steps) -> str:
        """Why to restart after these steps, in words; empty if not. Asked after each of them."""


class NoRestart(AbstractRestartRule):
    """Never refit."""

    def next_time(self, t: float, t0: float) -> float:
        return math.inf

    def due(self, steps: Steps) -> str:
        return ""


class PeriodicRestart(AbstractRestartRule):
    """Refit at t0 + every, t0 + 2 every, ...

    **Arguments:**

    - `every`: time between restarts, positive.

    **Raises:** `InputError` for a time that is not positive.

    Source: Finzi et al., ICLR 2023, section 4.3, where a wall clock triggers it; here only the
    simulated time does.
    """

    every: float = eqx.field(static=True)

    def __check_init__(self):
        check_positive("every", self.every)

    def next_time(self, t: float, t0: float) -> float:
        passed = math.floor((t - t0) / self.every * (1 + 1e-12) + 1e-9)
        return t0 + (passed + 1) * self.every

    def due(self, steps: Steps) -> str:
        return ""


class _Measured(AbstractRestartRule):
    """A rule that compares the last steps with the first ones since the last restart."""

    growth: eqx.AbstractVar[float]
    min_steps: eqx.AbstractVar[int]

    def next_time(self, t: float, t0: float) -> float:
        return math.inf

    def __check_init__(self):
        if not self.growth > 1:
            raise InputError(f"`growth` must be larger than 1, got {self.growth!r}")
        check_count("min_steps", self.min_steps, minimum=4)

    def due(self, steps: Steps) -> str:
        # Medians of a few steps: each has points of its own, and single ones stand out.
        measured = self._measured(steps)
        count = len(measured)
        if count < self.min_steps:
            return ""
        few = self.min_steps // 2
        before, now = np.median(measured[:few]), np.median(measured[-few:])
        if not now > self.growth * before:
            return ""
        return f"{self._name()} grew from {before:.2g} to {now:.2g}"

    @abc.abstractmethod
    def _measured(self, steps: Steps) -> np.ndarray:
        """The number that grows, of each step."""

    @abc.abstractmethod
    def _name(self) -> str:
        """What that number is."""


class RestartOnResidual(_Measured):
    """Refit when the network follows the equation less well than it did.

    The projection residual on points that no solver saw, the median of the last steps, is compared
    with the median of the first steps after the last restart.

    **Arguments:**

    - `growth`: how many times larger, above 1. Good values: 3 to 10.
    - `min_steps`: accepted steps between two restarts, at least 4; half as many enter a median.

    **Raises:** `InputError` for a value out of range.
    """

    growth: float = eqx.field(static=True, default=5.0)
    min_steps: int = eqx.field(static=True, default=10)

    def _measured(self, steps: Steps) -> np.ndarray:
        return steps["held_out_residual"]

    def _name(self) -> str:
        return "the residual on points not used"


class RestartOnConditioning(_Measured):
    """Refit when the linear systems have become harder.

    Hardness is the condition number of the system solved over its effective rank, the number of
    directions that the damping leaves free: with a damping relative to the largest eigenvalue the
    first has a ceiling, and a network that goes bad loses the second. A solver that does not know
    the rank is judged by the condition number alone.

    **Arguments:** `growth` and `min_steps` as for `RestartOnResidual`.

    **Raises:** `InputError` for a value out of range.
    """

    growth: float = eqx.field(static=True, default=3.0)
    min_steps: int = eqx.field(static=True, default=10)

    def _measured(self, steps: Steps) -> np.ndarray:
        rank = steps["effective_rank"]
        return steps["condition"] / np.where(np.isnan(rank), 1.0, rank)

    def _name(self) -> str:
        return "condition number over effective rank"


class RestartOnIterations(_Measured):
    """Refit when the iterations of the linear solver have grown, as the paper's users see it.

    Direct solvers do not iterate: with them this rule never restarts.

    **Arguments:** `growth` and `min_steps` as for `RestartOnResidual`.

    **Raises:** `InputError` for a value out of range.
    """

    growth: float = eqx.field(static=True, default=3.0)
    min_steps: int = eqx.field(static=True, default=10)

    def _measured(self, steps: Steps) -> np.ndarray:
        return steps["iterations"].astype(float)

    def _name(self) -> str:
        return "the number of linear iterations in a step"


class AnyRestart(AbstractRestartRule):
    """Refit whenever one of several rules says so.

    **Arguments:**

    - `rules`: at least one.

    **Raises:** `InputError` for none, or for something that is no rule.
    """

    rules: tuple[AbstractRestartRule, ...]

    def __init__(self, rules: tuple[AbstractRestartRule, ...]):
        self.rules = tuple(rules) if isinstance(rules, tuple | list) else ()
        if not self.rules or not all(isinstance(r, AbstractRestartRule) for r in self.rules):
            raise InputError(f"`rules` must be one or more restart rules, got {rules!r}")

    def next_time(self, t: float, t0: float) -> float:
        return min(rule.next_time(t, t0) for rule in self.rules)

    def due(self, steps: Steps) -> str:
        return next((why for rule in self.rules if (why := rule.due(steps))), "")
