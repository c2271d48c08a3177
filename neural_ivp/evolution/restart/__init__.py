"""Restarts and growth: when and how the network is refitted or enlarged."""

from ._direction_growth import DirectionGrowth
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
