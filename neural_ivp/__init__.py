"""Initial-value PDEs in one to many dimensions, with a neural network as the state.

See `solve` to begin with.
"""

from ._errors import InputError as InputError
from ._errors import SolveError as SolveError
from .calculus import divergence as divergence
from .calculus import grad as grad
from .calculus import hessian as hessian
from .calculus import laplacian as laplacian
from .calculus import partial as partial
from .domains import AbstractDomain as AbstractDomain
from .domains import Box as Box
from .domains import Torus as Torus
from .evolution import AbstractRestartRule as AbstractRestartRule
from .evolution import Adaptive as Adaptive
from .evolution import NeuralIVP as NeuralIVP
from .evolution import NoRestart as NoRestart
from .evolution import PeriodicRestart as PeriodicRestart
from .evolution import State as State
from .evolution import StepRecord as StepRecord
from .evolution import init as init
from .evolution import step as step
from .evolution import tangent_problem as tangent_problem
from .fitting import AbstractFitStage as AbstractFitStage
from .fitting import Adam as Adam
from .fitting import FitErrors as FitErrors
from .fitting import GaussNewton as GaussNewton
from .fitting import LastLayer as LastLayer
from .fitting import fit as fit
from .fitting import fit_errors as fit_errors
from .linear import PCG as PCG
from .linear import RESULTS as RESULTS
from .linear import AbsoluteDamping as AbsoluteDamping
from .linear import AbstractLinearisation as AbstractLinearisation
from .linear import AbstractPreconditioner as AbstractPreconditioner
from .linear import AbstractVelocitySolver as AbstractVelocitySolver
from .linear import Anchored as Anchored
from .linear import Auto as Auto
from .linear import DampedLSMR as DampedLSMR
from .linear import HeldOutDamping as HeldOutDamping
from .linear import Jacobi as Jacobi
from .linear import LeastSquares as LeastSquares
from .linear import NoPreconditioner as NoPreconditioner
from .linear import Nystrom as Nystrom
from .linear import Prepared as Prepared
from .linear import RandomSubset as RandomSubset
from .linear import RidgeCG as RidgeCG
from .linear import RidgeCholesky as RidgeCholesky
from .linear import RidgeDual as RidgeDual
from .linear import RidgeDualCG as RidgeDualCG
from .linear import Velocity as Velocity
from .linear import VelocityInfo as VelocityInfo
from .linear import linearise as linearise
from .linear import solve_velocity as solve_velocity
from .networks import AbstractNetwork as AbstractNetwork
from .networks import Dense as Dense
from .networks import HardDirichlet as HardDirichlet
from .networks import Mixed as Mixed
from .networks import SinusoidalMLP as SinusoidalMLP
from .networks import flatten as flatten
from .problems import L2 as L2
from .problems import AbstractExactProblem as AbstractExactProblem
from .problems import AbstractNorm as AbstractNorm
from .problems import AbstractProblem as AbstractProblem
from .problems import Problem as Problem
from .problems import WaveEnergy as WaveEnergy
from .samplers import AbstractSampler as AbstractSampler
from .samplers import Following as Following
from .samplers import QuasiUniform as QuasiUniform
from .samplers import Sample as Sample
from .samplers import Uniform as Uniform
from .solution import ErrorReport as ErrorReport
from .solution import Solution as Solution
from .solution import load as load
from .solution import register as register
from .solve import Progress as Progress
from .solve import default_method as default_method
from .solve import default_network as default_network
from .solve import solve as solve

from . import problems as problems  # isort: skip
from . import references as references  # isort: skip
