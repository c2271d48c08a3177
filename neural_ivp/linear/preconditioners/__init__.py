"""Approximations of M that make iterations on M + mu I short."""

from ._base import (
    AbstractBuiltPreconditioner,
    AbstractFactors,
    AbstractPreconditioner,
    DampingOf,
    NoPreconditioner,
)
from ._landmarks import Landmarks
from ._nystrom import Nystrom
