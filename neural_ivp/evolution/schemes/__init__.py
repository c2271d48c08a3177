"""One-step schemes in function space, explicit and implicit."""

from ._explicit import ExplicitRungeKutta
from ._rosenbrock import Rodas4
from ._scheme import AbstractScheme, StepEquation, StepResult
from ._sdirk import SDIRK2, SDIRK4, BackwardEuler
from ._tableaus import Explicit, explicit_tableau
