"""L4. Fitting a network to a function: stages that run one after another."""

from ._base import AbstractFitStage as AbstractFitStage
from ._base import FitProgress as FitProgress
from ._base import Fitted as Fitted
from ._base import Stage as Stage
from ._descent import Adam as Adam
from ._descent import Descent as Descent
from ._errors import FitErrors as FitErrors
from ._errors import fit_errors as fit_errors
from ._fit import FitWarning as FitWarning
from ._fit import fit as fit
from ._gauss_newton import GaussNewton as GaussNewton
from ._goal import AbstractGoal as AbstractGoal
from ._last_layer import LastLayer as LastLayer
