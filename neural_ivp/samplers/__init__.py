"""Samplers: the weighted points at which the residual is measured."""

from ..types import WeightedPoints
from ._base import AbstractSampler, systematic
from ._diffusion_particles import DiffusionParticles
from ._importance import ImportanceSampling
from ._sequential_monte_carlo import SequentialMonteCarlo
from ._uniform import QuasiMonteCarlo, Uniform
