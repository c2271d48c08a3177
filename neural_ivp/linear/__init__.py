"""The damped least-squares problem min_v mean |J v - f|^2 + mu |v|^2 and its solvers."""

from .linearisation import (
    AbstractLinearisation,
    StructuredLinearisation,
    is_dense,
    linearise,
    linearise_generic,
    linearise_in_chunks,
    tap,
    trained_layers,
)
from .numerics import PCG, RESULTS, Damping, is_failure, safe_ratio
from .preconditioners import AbstractPreconditioner, Landmarks, NoPreconditioner, Nystrom
from .solvers import (
    AbstractDampedSolver,
    AbstractDirectSolver,
    AbstractVelocitySolver,
    AutoVelocitySolver,
    LandmarkSubspace,
    LeastSquares,
    ProximalDamping,
    RandomSubset,
    RidgeCG,
    RidgeCholesky,
    RidgeDual,
    RidgeDualCG,
    SolverSetup,
    Subspace,
    Velocity,
    VelocityInfo,
    choose_velocity_solver,
    make_velocity,
    pad_quantities,
    right_hand_side,
    root_weights,
    solve_velocity,
    thinned,
    velocity_problem,
    velocity_problem_at,
    with_boundary_rows,
)
