"""The contract of fit stages, and what a fit returns."""

import abc
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
from jaxtyping import PRNGKeyArray

from ..networks import AbstractNetwork
from ..trials import AbstractTrial, Direct
from ..types import Field
from ._objective import AbstractObjective


class FitProgress(eqx.Module):
    """A progress report of a fit: steps done out of `total`, and the held-out `error`."""

    stage: str = eqx.field(static=True)
    step: int = eqx.field(static=True)
    total: int = eqx.field(static=True)
    error: float = eqx.field(static=True)


class StageResult(NamedTuple):
    """The result of a stage: optimiser steps, held-out error at its end, and why it ended."""

    name: str
    steps: int
    error: float
    ending: str


class FitResult(eqx.Module):
    """A fitted network and its errors on held-out points.

    - `relative_l2_error`: |u - w| / |w| of `network` in the norm of the fit, w being the target;
      the root mean square of u where w is zero everywhere.
    - `scaled_maximum_error`: the largest error of a quantity of the norm (a component divided by
      its scale, under `H1` also a slope) at a held-out point.
    - `steps`: optimiser steps.
    - `stages`: a `StageResult` for each stage.
    - `history`: a `FitProgress` for each report.
    - `trial`, `t`: those of the fit; `field` is u of the network.
    - `first_residual`: of a density, |J v - f| / |f| of the first velocity on held-out points.
    """

    network: AbstractNetwork
    relative_l2_error: float = eqx.field(static=True)
    scaled_maximum_error: float = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    stages: tuple[StageResult, ...] = eqx.field(static=True)
    history: tuple[FitProgress, ...] = eqx.field(static=True)
    trial: AbstractTrial = Direct()
    t: float = eqx.field(static=True, default=0.0)
    first_residual: float | None = eqx.field(static=True, default=None)

    @property
    def field(self) -> Field:
        """u(t, .) of the fit, which is the network where no condition holds by construction."""
        return self.trial.field(self.network, self.t)

    def report(self) -> str:
        """Return a line for each stage, with its steps and error, and one for the final errors."""
        lines = [
            f"{stage.name}: {stage.steps} steps to a held-out error of {stage.error:.2e}; "
            f"{stage.ending}"
            for stage in self.stages
        ]
        lines.append(
            f"held-out relative L2 error {self.relative_l2_error:.2e}, "
            f"largest error {self.scaled_maximum_error:.2e}"
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
        """Return the improved network and the result of the stage.

        `measure` returns the held-out error of a network; `progress` is called for each report.
        """
