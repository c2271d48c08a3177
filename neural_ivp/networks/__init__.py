"""L2. Networks: the state of the method. They know domains, not problems."""

from ._base import AbstractNetwork as AbstractNetwork
from ._base import flatten as flatten
from ._dense import Dense as Dense
from ._dirichlet import HardDirichlet as HardDirichlet
from ._mixed import Mixed as Mixed
from ._rational import Rational as Rational
from ._series import FourierSeries as FourierSeries
from ._sinusoidal import SinusoidalMLP as SinusoidalMLP
