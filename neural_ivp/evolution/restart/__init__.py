"""Restarts: when the network is refitted, and how."""

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
