"""Fits as a method wants them, and a warning of one that spoils the solve."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jaxtyping import PRNGKeyArray

from .._types import Field
from ..evolution import NeuralIVP
from ..fitting import AbstractFitStage, FitProgress, Fitted, FitWarning, fit
from ..networks import AbstractNetwork
from ..problems import L2, AbstractProblem
from ..solution import fit_remark


def fit_by(
    method: NeuralIVP,
    network: AbstractNetwork,
    target: Field,
    problem: AbstractProblem,
    key: PRNGKeyArray,
    report: Callable[[FitProgress], None],
    *,
    stages: Sequence[AbstractFitStage] | None = None,
) -> Fitted:
    """Fit a network of a problem in the norm of a method, by its stages if none are given."""
    return fit(
        network,
        target,
        problem.domain,
        method.fit if stages is None else stages,
        norm=L2(problem.norm.scales) if method.fit_norm is None else method.fit_norm,
        held_out=method.held_out,
        key=key,
        report=report,
    )


def warn_of_fit(made: Mapping[str, Any]) -> None:
    """Warn where the error of the start exceeds what each step may add."""
    remark = fit_remark(made)
    if remark:
        warnings.warn(f"the initial fit {remark}", FitWarning, stacklevel=3)
