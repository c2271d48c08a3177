"""L2. Where the residual is measured: points in the domain and their weights."""

from ._base import AbstractSampler as AbstractSampler
from ._base import Sample as Sample
from ._following import Following as Following
from ._particles import Particles as Particles
from ._uniform import QuasiUniform as QuasiUniform
from ._uniform import Uniform as Uniform
