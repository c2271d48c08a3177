"""L3. The least-squares problem min_v mean |J v - f|^2 + mu |v|^2 of every right-hand side."""

from ._base import AbstractVelocitySolver as AbstractVelocitySolver
from ._base import Velocity as Velocity
from ._least_squares import LeastSquares as LeastSquares
from ._linearisation import AbstractLinearisation as AbstractLinearisation
from ._linearise import linearise as linearise
from ._pcg import PCG as PCG
from ._preconditioner import AbstractPreconditioner as AbstractPreconditioner
from ._preconditioner import NoPreconditioner as NoPreconditioner
from ._preconditioner import Nystrom as Nystrom
from ._random_subset import RandomSubset as RandomSubset
from ._ridge_cg import RidgeCG as RidgeCG
from ._ridge_cholesky import RidgeCholesky as RidgeCholesky
from ._ridge_dual import RidgeDual as RidgeDual
