"""Problems: domain, initial value and right-hand side, without numerics."""

from ._advection import Advection
from ._allen_cahn import AllenCahn
from ._base import AbstractExactProblem, AbstractProblem, Density, check_problem
from ._beam import Beam
from ._burgers import Burgers
from ._burgers_sine import BurgersSine
from ._cahn_hilliard import CahnHilliard
from ._custom import Problem
from ._custom_second_order import SecondOrderProblem
from ._density import AbstractDensityProblem
from ._double_wells import DoubleWells
from ._fingerprint import check_fingerprint, fingerprint
from ._fokker_planck import FokkerPlanck
from ._functions import check_function
from ._gray_scott import GrayScott
from ._harmonic_trap import HarmonicTrap
from ._heat import Heat
from ._heat_periodic import HeatPeriodic
from ._heat_space import HeatSpace
from ._interacting_particles import InteractingParticles
from ._klein_gordon import KleinGordon
from ._korteweg_de_vries import KortewegDeVries
from ._maxwell import Maxwell
from ._nonlinear_schroedinger import NonlinearSchroedinger
from ._reaction_diffusion import ReactionDiffusion
from ._relaxation import Relaxation
from ._rotating_trap import RotatingTrap
from ._schroedinger import Schroedinger
from ._second_order import AbstractSecondOrderProblem, second_order_norm
from ._sine_gordon import SineGordon
from ._telegraph import Telegraph
from ._two_speeds import TwoSpeeds
from ._vlasov import Vlasov
from ._wave import Wave
from ._wave_maps import Schwarzschild, WaveMaps
from ._wave_string import WaveString
