"""The contract of fit stages, and what a fit returns."""

import abc
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
from jaxtyping import PRNGKeyArray

from ..networks import AbstractNetwork
from ._objective import AbstractObjective


class FitProgress(eqx.Module):
    """Where a fit stands: reported between chunks of work, never from inside compiled code."""

    stage: str = eqx.field(static=True)
    step: int = eqx.field(static=True)
    total: int = eqx.field(static=True)
    error: float = eqx.field(static=True)


class StageResult(NamedTuple):
    """How a stage went: its name, optimiser steps, held-out error at its end, and why it ended."""

    name: str
    steps: int
    error: float
    ending: str


class FitResult(eqx.Module):
    """A fitted network and what is known of it on held-out points that the fit never saw.

    - `relative_l2_error`: |u - w| / |w| of `network` in the norm of the fit, w being the target;
      the root mean square of u where w is zero everywhere.
    - `maximum_error`: the largest error at a held-out point of an entry of the norm: a component
      in its scale, under `H1` also a slope.
    - `steps`: optimiser steps taken.
    - `stages`: one `StageResult` for each.
    - `history`: one `FitProgress` per report.
    """

    network: AbstractNetwork
    relative_l2_error: float = eqx.field(static=True)
    maximum_error: float = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    stages: tuple[StageResult, ...] = eqx.field(static=True)
    history: tuple[FitProgress, ...] = eqx.field(static=True)

    def report(self) -> str:
        """What each stage did and the errors it left, a line each."""
        lines = [
            f"{stage.name}: {stage.steps} steps to a held-out error of {stage.error:.2e}; "
            f"{stage.ending}"
            for stage in self.stages
        ]
        lines.append(
            f"held-out relative L2 error {self.relative_l2_error:.2e}, "
            f"largest error {self.maximum_error:.2e}"
        )
        return "\n".join(lines)


class AbstractFitStage(eqx.Module):
    """One stage of a fit."""

    @abc.abstractmethod
    def run(
        self,
        network: AbstractNetwork,
        objective: AbstractObjective,
        key: PRNGKeyArray,
        measure: Callable[[AbstractNetwork], float],
        progress: Callable[[FitProgress], None],
    ) -> tuple[AbstractNetwork, StageResult]:
        """The improved network and how it went.

        `measure` gives the held-out error of a network, `progress` takes how far it is.
        """
