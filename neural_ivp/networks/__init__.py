"""Parametrised functions of one point: u at one time of a solve."""

from ._base import AbstractNetwork, flatten, held_mask, partition, with_head
from ._gaussian_frame import GaussianFrame
from ._layers import Dense, Rational
from ._ridge_sum import RidgeSum
from ._series import FourierSeries
from ._sinusoidal import SinusoidalMLP
from ._with_velocity import WithVelocity
from ._wrappers import ConstantStart, LinearCombination
