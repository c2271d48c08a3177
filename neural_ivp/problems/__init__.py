"""L2. Problems: domain, initial value, right-hand side. They know no numerics."""

from ._advection import Advection as Advection
from ._base import AbstractExactProblem as AbstractExactProblem
from ._base import AbstractProblem as AbstractProblem
from ._base import Density as Density
from ._base import check_problem as check_problem
from ._custom import Problem as Problem
from ._fokker_planck import FokkerPlanck as FokkerPlanck
from ._heat import Heat as Heat
from ._norm import H1 as H1
from ._norm import L2 as L2
from ._norm import AbstractNorm as AbstractNorm
from ._norm import WaveEnergy as WaveEnergy
from ._wave import Wave as Wave
