"""Fitting a network to a function by a sequence of stages."""

from ._base import AbstractFitStage, FitProgress, FitResult, StageResult
from ._directions import ridge_directions
from ._errors import FitErrors, fit_errors
from ._fit import fit
from ._gauss_newton import GaussNewton
from ._last_layer import LastLayer
from ._objective import AbstractObjective
from ._optax_descent import Adam, OptaxDescent
from ._validation import HELD_OUT_POINTS, check_finite_at
