"""Initial-value PDEs in one to many dimensions, with a neural network as the state.

Begin with `solve`, and print the docstring of any name below by `help(nivp.solve)`.

Solve: `solve`, `resume`, `load`, `Solution`, `Checkpoint`; step by step: `init`, `step`.
Equations: `Problem`, `SecondOrderProblem`, `FokkerPlanck`, those of `problems`; of data:
`GriddedData`, `ScatteredData`, `Gaussian`, `GaussianMixture`.
Domains: `Box`, `Torus`, `ProductDomain`, `Ball`, `Annulus`, `LevelSet`, `Euclidean`.
Conditions at the boundary: `Dirichlet`, `Neumann`, `Robin`, `Free`, `Absorbing`.
Derivatives: `grad`, `divergence`, `laplacian`, `hessian`, `partial`; norms: `L2`, `H1`.
Networks: `default_network`, `SinusoidalMLP`, `FourierSeries`, `RidgeSum`.
Method: `default_method`, `NeuralIVP`, of samplers (`ImportanceSampling`, `QuasiMonteCarlo`,
`SequentialMonteCarlo`, `Uniform`), velocity solvers (`LandmarkSubspace`, `RidgeCholesky`,
`RidgeDual`, `RidgeCG`), steps (`AdaptiveStep`, `ConstantStep`; stiff: `Rodas4`, `SDIRK4`), fits
(`GaussNewton`, `Adam`, `LastLayer`) and restarts (`PeriodicRestart`, `RestartOnResidual`).
Look inside: `fit_errors`, `plot_fit`, `jacobian_spectrum`, `max_stable_step`, `parameter_ode`.

The parts that an extension builds on (abstract classes, linear algebra, records) are in the
submodules `networks`, `problems`, `domains`, `calculus`, `samplers`, `linear`, `fitting`,
`evolution` and `diagnostics`.
"""

from typing import TYPE_CHECKING, Any

from . import problems, trials
from .boundary import Absorbing, Dirichlet, Free, Neumann, Robin
from .calculus import H1, L2, WaveEnergy, divergence, grad, hessian, laplacian, partial
from .catalogue import register
from .data import GriddedData, ScatteredData
from .defaults import default_method, default_network
from .densities import Gaussian, GaussianMixture
from .diagnostics import ErrorReport, jacobian_spectrum, max_stable_step
from .domains import (
    Annulus,
    Ball,
    Box,
    Euclidean,
    Interval,
    LevelSet,
    Periodic,
    ProductDomain,
    Torus,
)
from .errors import (
    BoundaryWarning,
    CheckpointWarning,
    FitWarning,
    FormWarning,
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
    DirectionGrowth,
    ExplicitRungeKutta,
    NeuralIVP,
    NoRestart,
    PeriodicRestart,
    Refit,
    RestartOnConditioning,
    RestartOnIterations,
    RestartOnResidual,
    Rodas4,
    init,
    parameter_ode,
    step,
)
from .fitting import Adam, GaussNewton, LastLayer, OptaxDescent, fit, fit_errors
from .linear import (
    RESULTS,
    AutoVelocitySolver,
    Damping,
    Landmarks,
    LandmarkSubspace,
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
from .networks import (
    ConstantStart,
    FourierSeries,
    GaussianFrame,
    LinearCombination,
    RidgeSum,
    SinusoidalMLP,
    WithVelocity,
)
from .problems import FokkerPlanck, Problem, SecondOrderProblem
from .progress import Progress
from .samplers import (
    DiffusionParticles,
    ImportanceSampling,
    QuasiMonteCarlo,
    SequentialMonteCarlo,
    Uniform,
)
from .solution import Solution, load, plot_fit
from .solve import Checkpoint, resume, solve, step_memory
from .types import WeightedPoints

__version__ = "0.1.0"

if TYPE_CHECKING:
    from . import references

__all__ = [
    "H1",
    "L2",
    "RESULTS",
    "SDIRK2",
    "SDIRK4",
    "Absorbing",
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
    "DiffusionParticles",
    "DirectionGrowth",
    "Dirichlet",
    "ErrorReport",
    "Euclidean",
    "ExplicitRungeKutta",
    "FitWarning",
    "FokkerPlanck",
    "FormWarning",
    "FourierSeries",
    "Free",
    "GaussNewton",
    "Gaussian",
    "GaussianFrame",
    "GaussianMixture",
    "GriddedData",
    "ImportanceSampling",
    "InputError",
    "Interval",
    "LandmarkSubspace",
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
    "RidgeSum",
    "Robin",
    "Rodas4",
    "ScatteredData",
    "SecondOrderProblem",
    "SequentialMonteCarlo",
    "SinusoidalMLP",
    "Solution",
    "SolveError",
    "SolveInterrupted",
    "Torus",
    "Uniform",
    "WaveEnergy",
    "WeightedPoints",
    "WithVelocity",
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
    "parameter_ode",
    "partial",
    "plot_fit",
    "problems",
    "references",
    "register",
    "resume",
    "solve",
    "solve_velocity",
    "step",
    "step_memory",
    "trials",
    "velocity_problem",
]


def __getattr__(name: str) -> Any:
    """Import `references` where it is used: it needs parts of scipy that take long to import."""
    if name == "references":
        from importlib import import_module

        return import_module(".references", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
