"""Where the residual is measured: points in the domain and their weights."""

from ..types import WeightedPoints
from ._base import AbstractSampler
from ._importance import ImportanceSampling
from ._sequential_monte_carlo import SequentialMonteCarlo
from ._uniform import QuasiMonteCarlo, Uniform
