"""Directions that are added to the network of a density where it cannot follow the equation."""

import dataclasses
from collections.abc import Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..networks import AbstractNetwork, GaussianFrame, flatten
from ..problems import AbstractProblem
from ..samplers import DiffusionParticles
from ..types import Theta
from ._directions import more_directions, velocity_misfit
from ._method import NeuralIVP
from ._state import State
from ._trajectory import Segment, SegmentRecorder

# Steps of further particles for each attempted step.
SUBSTEPS = 8


def wants_directions(
    network: AbstractNetwork, method: NeuralIVP, records: Sequence[Mapping[str, np.ndarray]]
) -> bool:
    """Whether directions are to be added after the last of the recorded steps."""
    growth = method.growth
    if growth is None or not isinstance(network, GaussianFrame):
        return False
    if not records or not records[-1]["accepted"]:
        return False
    return growth.allows(network) and growth.due(records)


def grown(
    problem: AbstractProblem,
    network: AbstractNetwork,
    method: NeuralIVP,
    state: State | None,
    recorders: Sequence[SegmentRecorder],
) -> tuple[GaussianFrame, NeuralIVP, State, list[SegmentRecorder]]:
    """A march with further directions of its network, and the particles that they need.

    The stored steps are those of before, in the parameters of the larger network.
    """
    assert isinstance(network, GaussianFrame) and state is not None
    at_state = flatten(network)[1](state.theta)
    assert isinstance(at_state, GaussianFrame)
    keys = jax.random.split(jax.random.fold_in(state.key, state.attempts + 2**30))
    parts = state.sampler_state, problem.domain, at_state, keys[0]
    sampler, solver = method.sampler.for_problem(problem), method.velocity_solver
    samples = sampler.draw(*parts)[0], sampler.held_out(*parts)
    misfit = velocity_misfit(solver, at_state, problem, state.t, samples, keys[1])
    rows = more_directions(at_state, misfit, keys[1])
    wide = at_state.with_directions(rows)
    state = dataclasses.replace(
        state,
        theta=flatten(wide)[0],
        velocity=_widened(network, state.velocity, jnp.zeros_like(rows)),
        theta_at_restart=_widened(network, state.theta_at_restart, rows),
    )
    larger = _with_particles(problem, wide, method, state, keys[1])
    return wide, *larger, [_widened_recorder(recorder, network, rows) for recorder in recorders]


def _with_particles(
    problem: AbstractProblem, network: GaussianFrame, method: NeuralIVP, state: State, key
) -> tuple[NeuralIVP, State]:
    sampler, growth = method.sampler.for_problem(problem), method.growth
    assert isinstance(sampler, DiffusionParticles) and growth is not None
    larger = with_particles(method, network)
    count = larger.sampler.num_points
    if count == sampler.num_points:
        return method, state
    times, steps = (float(state.start), float(state.t)), SUBSTEPS * int(state.attempts)
    _, particles = sampler.enlarged(state.sampler_state, count, times, steps, key)
    return larger, dataclasses.replace(state, sampler_state=particles)


def with_particles(method: NeuralIVP, network: AbstractNetwork) -> NeuralIVP:
    """A method with as many particles as its `growth` asks for."""
    sampler = method.sampler
    if method.growth is None or not isinstance(network, GaussianFrame):
        return method
    assert isinstance(sampler, DiffusionParticles)
    count = max(method.growth.num_particles(network), sampler.num_points)
    sampler = dataclasses.replace(sampler, num_points=count)
    return eqx.tree_at(lambda m: m.sampler, method, sampler)


def _widened_recorder(
    recorder: SegmentRecorder, network: GaussianFrame, rows: Float[Array, "m d"]
) -> SegmentRecorder:
    """Stored steps of a network in the parameters of that with further directions."""
    segment, still = recorder.segment(), jnp.zeros_like(rows)
    rates = (_all_widened(network, rate, still) for rate in (segment.left, segment.right))
    theta = _all_widened(network, segment.theta, rows)
    return SegmentRecorder.of(Segment(segment.ts, theta, *rates))


def _widened(
    network: GaussianFrame, theta: Theta, rows: Float[Array, "m d"]
) -> Float[Array, " wide"]:
    wide = flatten(network)[1](theta)
    assert isinstance(wide, GaussianFrame)
    return flatten(wide.with_directions(rows))[0]


def _all_widened(
    network: GaussianFrame, vectors: np.ndarray, rows: Float[Array, "m d"]
) -> np.ndarray:
    return np.asarray(jax.vmap(lambda theta: _widened(network, theta, rows))(jnp.asarray(vectors)))
