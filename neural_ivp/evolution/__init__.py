"""The ODE of the parameters: schemes, step control, restarts, the method and one step."""

from ._fit import fit_network, refit_network
from ._growth import grown, wants_directions, with_particles
from ._invariants import Invariants
from ._method import NeuralIVP, check_network, check_second_order, with_velocity
from ._parameter_ode import parameter_ode
from ._sizes import MOST_DIRECTIONS, enlarged, is_adaptive, sized, with_chosen_rank
from ._state import RECORDED, State, StepRecord
from ._step import compiled_init, compiled_step, init, step, step_equation
from ._step_control import AbstractIntegrator, AdaptiveStep, ConstantStep
from ._traced_trajectory import Steps, evaluate_traced, stacked_steps
from ._trajectory import (
    Segment,
    SegmentRecorder,
    check_num_parameters,
    evaluate,
    has_gaps,
    record_from,
    segment_arrays,
    segments_from,
    segments_of_states,
)
from .restart import (
    AbstractRestartRule,
    AnyRestart,
    DirectionGrowth,
    NoRestart,
    PeriodicRestart,
    Refit,
    RestartOnConditioning,
    RestartOnIterations,
    RestartOnResidual,
)
from .schemes import (
    SDIRK2,
    SDIRK4,
    AbstractScheme,
    BackwardEuler,
    Explicit,
    ExplicitRungeKutta,
    Rodas4,
    StepEquation,
    explicit_tableau,
)
