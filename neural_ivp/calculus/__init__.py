"""L1. Differential operators on fields: each takes a field and returns a field."""

from ._operators import divergence as divergence
from ._operators import grad as grad
from ._operators import hessian as hessian
from ._operators import laplacian as laplacian
from ._operators import partial as partial
