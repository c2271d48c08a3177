"""L4. The ODE on the parameters: vector field, one adaptive step, restart rules, the method."""

from ._integrator import Adaptive as Adaptive
from ._method import NeuralIVP as NeuralIVP
from ._restart import AbstractRestartRule as AbstractRestartRule
from ._restart import NoRestart as NoRestart
from ._restart import PeriodicRestart as PeriodicRestart
from ._state import State as State
from ._state import StepRecord as StepRecord
from ._step import init as init
from ._step import step as step
from ._tangent import tangent_problem as tangent_problem
