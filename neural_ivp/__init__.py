"""Initial-value PDEs in one to many dimensions, with a neural network as the state.

Begin with `solve`. The top level holds what a script types; the parts that an extension builds on
(abstract classes, linear algebra, records) are in the submodules `networks`, `problems`,
`domains`, `calculus`, `samplers`, `linear`, `fitting`, `evolution` and `diagnostics`.
"""

from . import problems, references, trials
from .boundary import Dirichlet, Free, Neumann, Robin
from .calculus import H1, L2, WaveEnergy, divergence, grad, hessian, laplacian, partial
from .catalogue import register
from .data import GriddedData, ScatteredData
from .defaults import default_method, default_network
from .diagnostics import ErrorReport, jacobian_spectrum, max_stable_step
from .domains import Annulus, Ball, Box, Interval, LevelSet, Periodic, ProductDomain, Torus
from .errors import (
    BoundaryWarning,
    CheckpointWarning,
    FitWarning,
    InputError,
    SolveError,
    SolveInterrupted,
)
from .evolution import (
    SDIRK2,
    SDIRK4,
    AdaptiveStep,
    AnyRestart,
    BackwardEuler,
    ConstantStep,
    ExplicitRungeKutta,
    NeuralIVP,
    NoRestart,
    PeriodicRestart,
    Refit,
    RestartOnConditioning,
    RestartOnIterations,
    RestartOnResidual,
    init,
    step,
)
from .fitting import Adam, GaussNewton, LastLayer, OptaxDescent, fit, fit_errors
from .linear import (
    RESULTS,
    AutoVelocitySolver,
    Damping,
    Landmarks,
    LeastSquares,
    Nystrom,
    ProximalDamping,
    RandomSubset,
    RidgeCG,
    RidgeCholesky,
    RidgeDual,
    RidgeDualCG,
    solve_velocity,
    velocity_problem,
)
from .networks import ConstantStart, FourierSeries, LinearCombination, SinusoidalMLP
from .problems import Problem
from .progress import Progress
from .samplers import ImportanceSampling, QuasiMonteCarlo, SequentialMonteCarlo, Uniform
from .solution import Solution, load, plot_fit
from .solve import Checkpoint, resume, solve
from .types import WeightedPoints

__all__ = [
    "H1",
    "L2",
    "RESULTS",
    "SDIRK2",
    "SDIRK4",
    "Adam",
    "AdaptiveStep",
    "Annulus",
    "AnyRestart",
    "AutoVelocitySolver",
    "BackwardEuler",
    "Ball",
    "BoundaryWarning",
    "Box",
    "Checkpoint",
    "CheckpointWarning",
    "ConstantStart",
    "ConstantStep",
    "Damping",
    "Dirichlet",
    "ErrorReport",
    "ExplicitRungeKutta",
    "FitWarning",
    "FourierSeries",
    "Free",
    "GaussNewton",
    "GriddedData",
    "ImportanceSampling",
    "InputError",
    "Interval",
    "Landmarks",
    "LastLayer",
    "LeastSquares",
    "LevelSet",
    "LinearCombination",
    "Neumann",
    "NeuralIVP",
    "NoRestart",
    "Nystrom",
    "OptaxDescent",
    "Periodic",
    "PeriodicRestart",
    "Problem",
    "ProductDomain",
    "Progress",
    "ProximalDamping",
    "QuasiMonteCarlo",
    "RandomSubset",
    "Refit",
    "RestartOnConditioning",
    "RestartOnIterations",
    "RestartOnResidual",
    "RidgeCG",
    "RidgeCholesky",
    "RidgeDual",
    "RidgeDualCG",
    "Robin",
    "ScatteredData",
    "SequentialMonteCarlo",
    "SinusoidalMLP",
    "Solution",
    "SolveError",
    "SolveInterrupted",
    "Torus",
    "Uniform",
    "WaveEnergy",
    "WeightedPoints",
    "default_method",
    "default_network",
    "divergence",
    "fit",
    "fit_errors",
    "grad",
    "hessian",
    "init",
    "jacobian_spectrum",
    "laplacian",
    "load",
    "max_stable_step",
    "partial",
    "plot_fit",
    "problems",
    "references",
    "register",
    "resume",
    "solve",
    "solve_velocity",
    "step",
    "trials",
    "velocity_problem",
]
