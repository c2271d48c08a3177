"""One step of the parameter ODE: pure, compiled once, used for every segment.

Fresh points are drawn for each step and shared by its stages, so the last stage of a step cannot
serve as the first of the next.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, PRNGKeyArray

from .._types import Scalar, Theta, Time
from ..linear._linearise import on_points
from ..linear._velocity import ratio
from ..networks import AbstractNetwork, flatten
from ..problems import AbstractProblem
from ..samplers import Sample
from ._invariants import Invariants
from ._method import NeuralIVP
from ._scheme import Advanced, StepEquation
from ._state import State, StepRecord
from ._tangent import right_hand_side, tangent_at


def init(
    problem: AbstractProblem,
    network: AbstractNetwork,
    method: NeuralIVP,
    t0: Time,
    t1: Time,
    key: PRNGKeyArray,
) -> State:
    """The state at `t0` of a march to `t1`, with a first step size.

    The step is 1 % of |u| / |f| (Hairer, Norsett & Wanner, II.4), at most the interval, unless
    the integrator names one; step control corrects it within a few steps.
    """
    # Times become arrays here: as Python numbers they would compile anew for each value.
    return _init(problem, network, method, jnp.asarray(t0), jnp.asarray(t1), key)


@eqx.filter_jit
def _init(problem, network, method, t0: Scalar, t1: Scalar, key: PRNGKeyArray) -> State:
    theta, _ = flatten(network)
    t0, t1 = t0.astype(theta.dtype), t1.astype(theta.dtype)
    memory = method.sampler.init(problem.domain, theta.dtype, key)
    sample, _ = method.sampler.draw(memory, problem.domain, network, key)
    here, f = tangent_at(problem, network, theta, t0, sample, method.chunk)
    if method.integrator.dt0 is None:
        u = here.values
        speed = jnp.linalg.norm(f)
        still = ~(speed > 0) | ~jnp.isfinite(speed)
        dt = 0.01 * jnp.linalg.norm(u) / jnp.where(still, 1, speed)
        dt = jnp.where(still | (dt == 0), 0.01 * (t1 - t0), dt)
    else:
        dt = jnp.asarray(method.integrator.dt0, theta.dtype)
    zeros, count = jnp.zeros_like(theta), jnp.zeros((), jnp.int32)
    return State(
        t=t0,
        theta=theta,
        dt=jnp.minimum(dt, t1 - t0),
        guess=zeros,
        attempts=count,
        begin=theta,
        invariants=Invariants.of(problem, theta.dtype)(problem.initial),
        controller=method.integrator.init(theta.dtype),
        sampler=memory,
        velocity=method.velocity.init(here),
        key=key,
    )


def step(
    problem: AbstractProblem,
    template: AbstractNetwork,
    method: NeuralIVP,
    state: State,
    stop: Time,
) -> tuple[State, StepRecord]:
    """Attempt one step, not beyond `stop`.

    `template` gives the architecture; the parameters are `state.theta`. A rejected step leaves
    `t` and `theta` as they were, with a smaller `dt`.
    """
    return _step(problem, template, method, state, jnp.asarray(stop))


@eqx.filter_jit
def _step(problem, template, method, state: State, stop: Scalar) -> tuple[State, StepRecord]:
    _, rebuild = flatten(template)
    theta, t0 = state.theta, state.t
    stop = stop.astype(theta.dtype)
    last = t0 + 1.01 * state.dt >= stop
    t1 = jnp.where(last, stop, t0 + state.dt)
    sample_key, solver_key = jax.random.split(jax.random.fold_in(state.key, state.attempts))
    sample, memory = method.sampler.draw(state.sampler, problem.domain, rebuild(theta), sample_key)
    equation = _equation(problem, template, method, state, sample, solver_key)
    made = method.integrator.scheme.advance(equation, theta, t0, t1, state.guess)
    theta1, restored = _conserved(problem, template, method, state, made.theta)
    finite = (
        made.finite & restored & jnp.all(jnp.isfinite(theta1)) & jnp.all(jnp.isfinite(made.values))
    )
    accepted, scaled, dt, controller = method.integrator.control(
        equation, theta, made, finite, t0, t1, state.controller
    )
    count, short = made.solves["iterations"], made.solves["unconverged"]
    new = State(
        t=jnp.where(accepted, t1, t0),
        theta=jnp.where(accepted, theta1, theta),
        # A step cut short by `stop` says nothing against the step size before it.
        dt=jnp.where(accepted & last, jnp.maximum(dt, state.dt), dt),
        guess=jnp.where(accepted, made.guess, state.guess),
        attempts=state.attempts + 1,
        begin=state.begin,
        invariants=state.invariants,
        controller=controller,
        sampler=memory,
        velocity=method.velocity.remember(made.prepared, count, short),
        key=state.key,
    )
    record = StepRecord(
        t0=t0,
        t1=t1,
        accepted=accepted,
        finite=finite,
        error=scaled,
        held_out_residual=_held_out(problem, template, method, state, made.looked, sample_key),
        drift=ratio(jnp.linalg.norm(theta1 - state.begin), jnp.linalg.norm(state.begin)),
        invariants=Invariants.of(problem, theta.dtype)(rebuild(theta1)),
        **_of_scheme(made),
    )
    return new, record


def _equation(problem, template, method, state: State, sample: Sample, key) -> StepEquation:
    """The equation for the parameters in one step, on its points."""
    return StepEquation(
        problem=problem,
        template=template,
        sample=sample,
        solver=method.velocity,
        memory=state.velocity,
        key=key,
        rtol=method.integrator.rtol,
        atol=method.integrator.atol,
        chunk=method.chunk,
    )


def _conserved(
    problem, template, method, state: State, theta: Theta
) -> tuple[Theta, Bool[Array, ""]]:
    """theta on the invariants that the method keeps, and whether it got there."""
    if not method.conserve:
        return theta, jnp.asarray(True)
    invariants = Invariants.of(problem, theta.dtype)
    return invariants.restore(template, theta, state.invariants, method.conserve)


def _of_scheme(made: Advanced) -> dict:
    """What the scheme itself knows of its step, by the names of `StepRecord`."""
    return made.solves | {
        "target_finite": made.target_finite,
        "speed": made.speed,
        "stiffness": made.stiffness,
        "velocity_norm": jnp.linalg.norm(made.velocity0),
        "velocity0": made.velocity0,
        "velocity1": made.velocity1,
    }


def _held_out(problem, template, method, state: State, looked, key) -> Scalar:
    """|J v - f| / |f| where `looked` says, at an eighth as many points that no solver saw."""
    draw_key, choice_key = jax.random.split(jax.random.fold_in(key, 1))
    (theta, t, velocity), rebuild = looked, flatten(template)[1]
    drawn, _ = method.sampler.draw(state.sampler, problem.domain, rebuild(theta), draw_key)
    total = drawn.weights.size
    chosen = jax.random.permutation(choice_key, total)[: max(total // 8, min(total, 64))]
    weights = drawn.weights[chosen]
    sample = Sample(drawn.points[chosen], weights / jnp.sum(weights))

    def values(theta):
        return on_points(rebuild(theta), sample, problem.norm)

    _, change = jax.jvp(values, (theta,), (velocity,))
    f = right_hand_side(problem, rebuild(theta), t, sample, None)
    missed, size = (jnp.sqrt(jnp.sum(sample.weights @ u**2)) for u in (change - f, f))
    return ratio(missed, size)
