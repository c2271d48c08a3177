"""Solvers of min_v mean |J v - f|^2 + mu |v|^2."""

from ._auto import AutoVelocitySolver, choose_velocity_solver
from ._base import (
    AbstractDampedSolver,
    AbstractDirectSolver,
    AbstractVelocitySolver,
    SolverSetup,
    Velocity,
    VelocityInfo,
    make_velocity,
)
from ._driven import Driven
from ._landmark_subspace import LandmarkSubspace
from ._least_squares import LeastSquares
from ._proximal_damping import ProximalDamping
from ._random_subset import RandomSubset
from ._ridge_cg import RidgeCG
from ._ridge_cholesky import RidgeCholesky
from ._ridge_dual import RidgeDual
from ._ridge_dual_cg import RidgeDualCG
from ._second_order import SecondOrder, solver_for
from ._solve_velocity import solve_velocity
from ._subspace import Subspace, root_weights, thinned
from ._velocity_problem import (
    linearise_unknown,
    pad_quantities,
    right_hand_side,
    velocity_problem,
    velocity_problem_at,
    with_boundary_rows,
)
