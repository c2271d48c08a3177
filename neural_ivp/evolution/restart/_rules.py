"""When to refit the network: deterministic rules, never a wall clock."""

import abc
import math
from collections.abc import Mapping
from typing import ClassVar

import equinox as eqx
import numpy as np

from ...errors import InputError, check_count, check_positive

# Quantities of `StepRecord` by name, with one entry for each accepted step since the last restart.
Steps = Mapping[str, np.ndarray]


class AbstractRestartRule(eqx.Module):
    """A rule for when to refit the network."""

    @abc.abstractmethod
    def next_time(self, t: float, t0: float) -> float:
        """The first planned restart after t of a march that began at t0; infinite for none."""

    @abc.abstractmethod
    def due(self, steps: Steps) -> str:
        """The reason to restart after the last of these steps; empty if there is none."""


class NoRestart(AbstractRestartRule):
    """Never refit.

    ```python
    restart = nivp.NoRestart()
    ```
    """

    def next_time(self, t: float, t0: float) -> float:
        return math.inf

    def due(self, steps: Steps) -> str:
        return ""


class PeriodicRestart(AbstractRestartRule):
    """Refit at t0 + every, t0 + 2 every, ...

    **Arguments:**

    - `every`: time between restarts, positive, in time units.

    **Raises:** `InputError` for a time that is not positive.

    Source: Finzi et al., ICLR 2023, section 4.3, where wall-clock time triggers it.

    ```python
    restart = nivp.PeriodicRestart(every=0.25)
    ```
    """

    every: float = eqx.field(static=True)

    def __check_init__(self):
        check_positive("every", self.every)

    def next_time(self, t: float, t0: float) -> float:
        count = math.floor((t - t0) / self.every * (1 + 1e-12) + 1e-9)
        return t0 + (count + 1) * self.every

    def due(self, steps: Steps) -> str:
        return ""


class _Measured(AbstractRestartRule):
    """Compares a quantity in the last steps with the first steps since the last restart."""

    growth: eqx.AbstractVar[float]
    min_steps: eqx.AbstractVar[int]
    quantity: ClassVar[str]  # in words

    def next_time(self, t: float, t0: float) -> float:
        return math.inf

    def __check_init__(self):
        if not self.growth > 1:
            raise InputError(f"`growth` must be larger than 1, got {self.growth!r}")
        check_count("min_steps", self.min_steps, minimum=4)

    def due(self, steps: Steps) -> str:
        measured = self._measured(steps)
        if len(measured) < self.min_steps:
            return ""
        # Medians of a few steps: each step has its own points, which makes outliers.
        few = self.min_steps // 2
        before, now = np.median(measured[:few]), np.median(measured[-few:])
        if not now > self.growth * before:
            return ""
        return f"{self.quantity} grew from {before:.2g} to {now:.2g}"

    @abc.abstractmethod
    def _measured(self, steps: Steps) -> np.ndarray:
        """The quantity for each step."""


class RestartOnResidual(_Measured):
    """Refit when the projection residual on points that the solver did not use has grown.

    The median of the last steps is compared with that of the first steps after the last restart.

    **Arguments:**

    - `growth`: the ratio of the two that triggers a restart, above 1. Good values: 3 to 10.
    - `min_steps`: accepted steps between two restarts, at least 4; half as many enter a median.

    **Raises:** `InputError` for a value out of range.

    ```python
    restart = nivp.RestartOnResidual(growth=5.0)
    ```
    """

    growth: float = eqx.field(static=True, default=5.0)
    min_steps: int = eqx.field(static=True, default=10)
    quantity = "the residual on points not used"

    def _measured(self, steps: Steps) -> np.ndarray:
        return steps["held_out_residual"]


class RestartOnConditioning(_Measured):
    """Refit when the condition number of the linear systems over their effective rank has grown.

    With a damping relative to the largest eigenvalue the condition number is bounded, while the
    rank may still fall. Where the solver does not know the rank, the condition number alone counts.

    **Arguments:**

    - `growth`, `min_steps`: as for `RestartOnResidual`.

    **Raises:** `InputError` for a value out of range.

    ```python
    restart = nivp.RestartOnConditioning(growth=3.0)
    ```
    """

    growth: float = eqx.field(static=True, default=3.0)
    min_steps: int = eqx.field(static=True, default=10)
    quantity = "condition number over effective rank"

    def _measured(self, steps: Steps) -> np.ndarray:
        rank = steps["effective_rank"]
        return steps["condition"] / np.where(np.isnan(rank), 1.0, rank)


class RestartOnIterations(_Measured):
    """Refit when the iterations of the linear solver have grown; never with a direct solver.

    **Arguments:**

    - `growth`, `min_steps`: as for `RestartOnResidual`.

    **Raises:** `InputError` for a value out of range.

    ```python
    restart = nivp.RestartOnIterations(growth=3.0)
    ```
    """

    growth: float = eqx.field(static=True, default=3.0)
    min_steps: int = eqx.field(static=True, default=10)
    quantity = "the number of linear iterations in a step"

    def _measured(self, steps: Steps) -> np.ndarray:
        return steps["iterations"].astype(float)


class AnyRestart(AbstractRestartRule):
    """Refit when any of several rules requires it.

    **Arguments:**

    - `rules`: a tuple of one or more restart rules.

    **Raises:** `InputError` for an empty tuple, or something that is not a rule.

    ```python
    restart = nivp.AnyRestart((nivp.RestartOnResidual(), nivp.PeriodicRestart(every=1.0)))
    ```
    """

    rules: tuple[AbstractRestartRule, ...]

    def __init__(self, rules: tuple[AbstractRestartRule, ...]):
        self.rules = tuple(rules) if isinstance(rules, tuple | list) else ()
        if not self.rules or not all(isinstance(r, AbstractRestartRule) for r in self.rules):
            raise InputError(f"`rules` must be one or more restart rules, got {rules!r}")

    def next_time(self, t: float, t0: float) -> float:
        return min(rule.next_time(t, t0) for rule in self.rules)

    def due(self, steps: Steps) -> str:
        return next((reason for rule in self.rules if (reason := rule.due(steps))), "")
