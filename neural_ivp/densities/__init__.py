"""Probability densities in closed form, and the diffusion processes that move them."""

from ._frame_rates import frame_rates
from ._gaussian_mixture import Gaussian, GaussianMixture, log_mixture
from ._process import DiffusionProcess
