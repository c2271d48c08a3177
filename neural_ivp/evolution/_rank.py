"""The rank of a landmark subspace: chosen at the start of a segment, enlarged on the way."""

import dataclasses
import math

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from ..linear import LandmarkSubspace, velocity_problem_at
from ..networks import AbstractNetwork, flatten
from ..problems import AbstractProblem
from ..samplers import ImportanceSampling, QuasiMonteCarlo, Uniform
from ..trials import draw_boundary_rows, trial_for
from ..types import Scalar
from ._method import NeuralIVP
from ._state import State

# The rank over the effective rank, and points for each direction.
RANK, POINTS = 1.4, 3
LEAST, MOST = 40, 1_000
# The rank in which the effective rank is measured at first, in one dimension and in more.
PROBE = 300, 800


def is_adaptive(method: NeuralIVP) -> bool:
    """Whether `solve` chooses the rank of the velocity solver."""
    solver = method.velocity_solver
    return isinstance(solver, LandmarkSubspace) and solver.rank is None


def sized(method: NeuralIVP, rank: int) -> NeuralIVP:
    """The method with a subspace of that rank, and at least as many points as it needs."""
    solver, sampler = method.velocity_solver, method.sampler
    assert isinstance(solver, LandmarkSubspace)
    solver = LandmarkSubspace(rank, damping=solver.damping, block=solver.block)
    points = POINTS * rank
    chosen_by_count = isinstance(sampler, ImportanceSampling | QuasiMonteCarlo | Uniform)
    if chosen_by_count and sampler.num_points < points:
        sampler = dataclasses.replace(sampler, num_points=points)
    return eqx.tree_at(lambda m: (m.velocity_solver, m.sampler), method, (solver, sampler))


def with_chosen_rank(
    problem: AbstractProblem, network: AbstractNetwork, method: NeuralIVP, t: float, key
) -> NeuralIVP:
    """An adaptive method with the rank that the network needs at time t."""
    p = flatten(network)[0].size
    wide = sized(method, min(PROBE[problem.domain.dimension > 1], p))
    rank = float(_effective_rank(problem, network, wide, jnp.asarray(t), key))
    return sized(method, _rank_for(rank, p)) if math.isfinite(rank) else wide


def enlarged(
    problem: AbstractProblem, method: NeuralIVP, state: State, effective_rank: Scalar
) -> tuple[NeuralIVP, State]:
    """Method and state with a larger rank if that of an attempted step was too small for it, and
    else as they are."""
    solver, rank, p = method.velocity_solver, float(effective_rank), state.theta.size
    assert isinstance(solver, LandmarkSubspace) and solver.rank is not None
    if not solver.is_narrow(rank) or solver.rank >= min(MOST, p):
        return method, state
    # An effective rank cannot exceed the number of landmarks, and would be underestimated.
    larger = sized(method, _rank_for(max(rank, solver.rank), p))
    if larger.sampler != method.sampler:
        sampler_state = larger.sampler.init(problem.domain, state.theta.dtype, state.key)
        state = dataclasses.replace(state, sampler_state=sampler_state)
    return larger, state


def _rank_for(effective_rank: float, num_parameters: int) -> int:
    rank = 10 * math.ceil(RANK * effective_rank / 10)
    return min(max(rank, LEAST), MOST, num_parameters)


@eqx.filter_jit
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
    setup = method.velocity_solver.setup(linearisation, jnp.zeros_like(theta), key)
    return setup.state.effective_rank
