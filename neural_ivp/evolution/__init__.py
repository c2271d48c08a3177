"""L4. The ODE on the parameters: vector field, one adaptive step, restart rules, the method."""

from ._implicit import Implicit as Implicit
from ._integrator import AbstractIntegrator as AbstractIntegrator
from ._integrator import Adaptive as Adaptive
from ._integrator import Fixed as Fixed
from ._method import NeuralIVP as NeuralIVP
from ._refit import Refit as Refit
from ._restart import AbstractRestartRule as AbstractRestartRule
from ._restart import AnyRestart as AnyRestart
from ._restart import NoRestart as NoRestart
from ._restart import PeriodicRestart as PeriodicRestart
from ._restart import RestartOnConditioning as RestartOnConditioning
from ._restart import RestartOnIterations as RestartOnIterations
from ._restart import RestartOnResidual as RestartOnResidual
from ._runge_kutta import ExplicitRungeKutta as ExplicitRungeKutta
from ._scheme import AbstractScheme as AbstractScheme
from ._spectrum import explicit_limit as explicit_limit
from ._spectrum import stiffness as stiffness
from ._state import State as State
from ._state import StepRecord as StepRecord
from ._step import init as init
from ._step import step as step
from ._tangent import tangent_problem as tangent_problem
