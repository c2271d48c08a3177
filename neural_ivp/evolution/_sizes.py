"""The rank of a landmark subspace and the number of points of a step: chosen at the start of a
segment, enlarged on the way."""

import dataclasses
import math

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from ..linear import LandmarkSubspace, solver_for, velocity_problem_at
from ..networks import AbstractNetwork, WithVelocity, flatten
from ..precision import compiled
from ..problems import AbstractProblem
from ..samplers import ImportanceSampling, QuasiMonteCarlo, Uniform
from ..trials import draw_boundary_rows, trial_for
from ..types import Scalar
from ._method import NeuralIVP
from ._state import State, StepRecord
from .schemes import ExplicitRungeKutta, Rodas4

# The rank over the effective rank, and points for each direction: fewer where they are chosen by
# their leverage scores.
RANK, POINTS, POINTS_BY_LEVERAGE = 1.4, 3, 2
LEAST, MOST_DIRECTIONS = 40, 1_000
# Of the residual on new points over that on the points of a step: above it these are too few, and
# take this many times more.
OVERFIT, GROWTH, MOST_POINTS = 3.0, 1.5, 20_000
# Relative change of u in a step, in units of rounding, below which u counts as at rest.
ROUNDING = 10
# The rank in which the effective rank is measured at first, in one dimension and in more.
PROBE = 300, 800


# The samplers that draw any number of points anew.
COUNTED = ImportanceSampling | QuasiMonteCarlo | Uniform


def is_adaptive(method: NeuralIVP) -> bool:
    """Whether `solve` chooses the rank of the velocity solver."""
    solver = method.velocity_solver
    return isinstance(solver, LandmarkSubspace) and solver.rank is None


def sized(method: NeuralIVP, rank: int, num_points: int = 0) -> NeuralIVP:
    """The method with a subspace of that rank, and at least `num_points` and what it needs."""
    solver, sampler = method.velocity_solver, method.sampler
    if method.growth is not None:
        sampler = dataclasses.replace(sampler, num_points=num_points)
        return eqx.tree_at(lambda m: m.sampler, method, sampler)
    assert isinstance(solver, LandmarkSubspace)
    by_leverage = solver.oversampling > 1
    each = POINTS_BY_LEVERAGE if by_leverage else POINTS
    points = max(each * rank * solver.oversampling, num_points)
    # Of many landmarks the span is taken whole: finding its leading directions costs more.
    landmarks = rank if by_leverage else None
    options = dict(oversampling=solver.oversampling, block=solver.block)
    solver = LandmarkSubspace(rank, num_landmarks=landmarks, **options).with_damping(solver.damping)
    if isinstance(sampler, COUNTED) and sampler.num_points < points:
        sampler = dataclasses.replace(sampler, num_points=points)
    return eqx.tree_at(lambda m: (m.velocity_solver, m.sampler), method, (solver, sampler))


def with_chosen_rank(
    problem: AbstractProblem, network: AbstractNetwork, method: NeuralIVP, t: float, key
) -> NeuralIVP:
    """An adaptive method with the rank that the network needs at time t."""
    p = _num_directions(network)
    wide = sized(method, min(PROBE[problem.domain.dimension > 1], p))
    rank = float(_effective_rank(problem, network, wide, jnp.asarray(t), key))
    return sized(method, _rank_for(rank, p)) if math.isfinite(rank) else wide


def _num_directions(network: AbstractNetwork) -> int:
    """The number of parameters that a velocity solver sees."""
    return flatten(network.inner if isinstance(network, WithVelocity) else network)[0].size


def enlarged(
    problem: AbstractProblem,
    network: AbstractNetwork,
    method: NeuralIVP,
    state: State,
    record: StepRecord,
) -> tuple[NeuralIVP, State]:
    """Method and state with a larger rank or more points if an attempted step had too few of them,
    and else as they are."""
    solver, points = method.velocity_solver, method.sampler.num_points
    p = _num_directions(network)
    assert isinstance(solver, LandmarkSubspace) and solver.rank is not None
    rank, effective_rank = solver.rank, float(record.effective_rank)
    if solver.is_narrow(effective_rank) and rank < min(MOST_DIRECTIONS, p):
        # It cannot exceed the number of landmarks, and would be underestimated.
        rank = _rank_for(max(effective_rank, rank), p)
    if _overfits(method, record):
        points = min(math.ceil(GROWTH * points), MOST_POINTS)
    larger = sized(method, rank, points)
    if larger.sampler.num_points != method.sampler.num_points:
        sampler_state = larger.sampler.init(problem.domain, state.theta.dtype, state.key)
        return larger, dataclasses.replace(state, sampler_state=sampler_state)
    return (larger, state) if rank != solver.rank else (method, state)


def _overfits(method: NeuralIVP, record: StepRecord) -> bool:
    """Whether the velocity fits the points of a step much better than others; both residuals are
    comparable at the start of a step, to which those of SDIRK schemes do not belong."""
    comparable = isinstance(method.integrator.scheme, ExplicitRungeKutta | Rodas4)
    # Rows of conditions at the boundary are part of one residual alone.
    comparable &= float(record.boundary_residual) == 0
    # Where u is at rest both are those of rounding.
    change = float(record.rhs_norm) * float(record.t1 - record.t0)
    comparable &= change > ROUNDING * float(jnp.finfo(record.norm.dtype).eps) * float(record.norm)
    ratio = float(record.held_out_residual) / max(float(record.projection_residual), 1e-300)
    return comparable and isinstance(method.sampler, COUNTED) and ratio > OVERFIT


def _rank_for(effective_rank: float, num_parameters: int) -> int:
    rank = 10 * math.ceil(RANK * effective_rank / 10)
    return min(max(rank, LEAST), MOST_DIRECTIONS, num_parameters)


@compiled
def _effective_rank(
    problem: AbstractProblem,
    network: AbstractNetwork,
    method: NeuralIVP,
    t: Scalar,
    key: PRNGKeyArray,
) -> Scalar:
    theta, _ = flatten(network)
    t, one = t.astype(theta.dtype), jnp.ones((), theta.dtype)
    sampler_state = method.sampler.init(problem.domain, theta.dtype, key)
    trial = trial_for(problem, network)
    sample, _ = method.sampler.draw(sampler_state, problem.domain, trial.field(network, t), key)
    boundary = draw_boundary_rows(problem, trial, len(sample.points), t, one, key)
    parts = problem, trial, network, theta, t, sample, method.chunk_size, boundary, one
    linearisation, _ = velocity_problem_at(*parts)
    solver = solver_for(method.velocity_solver, network)
    setup = solver.setup(linearisation, jnp.zeros_like(theta), key)
    return setup.state.effective_rank
