"""L3. The least-squares problem min_v mean |J v - f|^2 + mu |v|^2 of every right-hand side."""

from ._anchored import Anchored as Anchored
from ._auto import Auto as Auto
from ._base import AbstractVelocitySolver as AbstractVelocitySolver
from ._base import Prepared as Prepared
from ._base import solve_velocity as solve_velocity
from ._damped_lsmr import DampedLSMR as DampedLSMR
from ._damping import AbsoluteDamping as AbsoluteDamping
from ._held_out import HeldOutDamping as HeldOutDamping
from ._landmarks import Landmarks as Landmarks
from ._least_squares import LeastSquares as LeastSquares
from ._linearisation import AbstractLinearisation as AbstractLinearisation
from ._linearise import linearise as linearise
from ._nystrom import Nystrom as Nystrom
from ._pcg import PCG as PCG
from ._preconditioner import AbstractPreconditioner as AbstractPreconditioner
from ._preconditioner import Jacobi as Jacobi
from ._preconditioner import NoPreconditioner as NoPreconditioner
from ._random_subset import RandomSubset as RandomSubset
from ._results import RESULTS as RESULTS
from ._ridge_cg import RidgeCG as RidgeCG
from ._ridge_cholesky import RidgeCholesky as RidgeCholesky
from ._ridge_dual import RidgeDual as RidgeDual
from ._ridge_dual_cg import RidgeDualCG as RidgeDualCG
from ._velocity import Velocity as Velocity
from ._velocity import VelocityInfo as VelocityInfo
