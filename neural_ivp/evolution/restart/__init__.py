"""Restarts: when and how the network is refitted."""

from ._refit import Refit
from ._rules import (
    AbstractRestartRule,
    AnyRestart,
    NoRestart,
    PeriodicRestart,
    RestartOnConditioning,
    RestartOnIterations,
    RestartOnResidual,
)
