"""Preconditioners of M + mu I."""

from ._base import (
    AbstractBuiltPreconditioner,
    AbstractGramApproximation,
    AbstractPreconditioner,
    DampingOf,
    NoPreconditioner,
)
from ._interpolation import LandmarkRows, kernel_factor
from ._landmarks import Landmarks
from ._nystrom import Nystrom
