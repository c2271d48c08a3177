"""One step of the parameter ODE: pure, compiled once, used for every segment.

Fresh points are drawn for each step and shared by its stages, so the last stage of a step cannot
serve as the first of the next.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, PRNGKeyArray

from ..linear import right_hand_side, safe_ratio, velocity_problem_at
from ..networks import AbstractNetwork, field_at, flatten
from ..problems import AbstractProblem
from ..types import Scalar, Theta, Time, WeightedPoints
from ._invariants import Invariants
from ._method import NeuralIVP
from ._state import State, StepRecord
from .schemes import StepEquation, StepResult


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
    sampler_state = method.sampler.init(problem.domain, theta.dtype, key)
    sample, _ = method.sampler.draw(sampler_state, problem.domain, field_at(network, t0), key)
    linearisation, f = velocity_problem_at(problem, network, theta, t0, sample, method.chunk_size)
    if method.integrator.dt0 is None:
        rate = jnp.linalg.norm(f)
        still = ~(rate > 0) | ~jnp.isfinite(rate)
        dt = 0.01 * jnp.linalg.norm(linearisation.values) / jnp.where(still, 1, rate)
        dt = jnp.where(still | (dt == 0), 0.01 * (t1 - t0), dt)
    else:
        dt = jnp.asarray(method.integrator.dt0, theta.dtype)
    return State(
        t=t0,
        theta=theta,
        dt=jnp.minimum(dt, t1 - t0),
        velocity=jnp.zeros_like(theta),
        attempts=jnp.zeros((), jnp.int32),
        theta_at_restart=theta,
        invariants=Invariants.of(problem, theta.dtype)(problem.initial),
        controller_state=method.integrator.init(theta.dtype),
        sampler_state=sampler_state,
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
    field = field_at(rebuild(theta), t0)
    sample, sampler_state = method.sampler.draw(
        state.sampler_state, problem.domain, field, sample_key
    )
    equation = _equation(problem, template, method, sample, solver_key)
    result = method.integrator.scheme.advance(equation, theta, t0, t1, state.velocity)
    theta1, restored = _conserved(problem, template, method, state, result.theta, t1)
    finite = result.finite & restored
    finite &= jnp.all(jnp.isfinite(theta1)) & jnp.all(jnp.isfinite(result.values))
    accepted, scaled, dt, controller_state = method.integrator.control(
        equation, theta, result, finite, t0, t1, state.controller_state
    )
    new = State(
        t=jnp.where(accepted, t1, t0),
        theta=jnp.where(accepted, theta1, theta),
        # A step cut short by `stop` says nothing against the step size before it.
        dt=jnp.where(accepted & last, jnp.maximum(dt, state.dt), dt),
        velocity=jnp.where(accepted, result.velocity, state.velocity),
        attempts=state.attempts + 1,
        theta_at_restart=state.theta_at_restart,
        invariants=state.invariants,
        controller_state=controller_state,
        sampler_state=sampler_state,
        key=state.key,
    )
    start = state.theta_at_restart
    record = StepRecord(
        t0=t0,
        t1=t1,
        accepted=accepted,
        finite=finite,
        error=scaled,
        held_out_residual=_held_out_residual(
            problem, template, method, state, result.residual_at, sample_key
        ),
        parameter_drift=safe_ratio(jnp.linalg.norm(theta1 - start), jnp.linalg.norm(start)),
        invariants=Invariants.of(problem, theta.dtype)(field_at(rebuild(theta1), t1)),
        **_of_scheme(result),
    )
    return new, record


def _equation(problem, template, method, sample: WeightedPoints, key) -> StepEquation:
    """The equation for the parameters in one step, on its points."""
    return StepEquation(
        problem=problem,
        template=template,
        sample=sample,
        solver=method.velocity,
        key=key,
        rtol=method.integrator.rtol,
        atol=method.integrator.atol,
        chunk_size=method.chunk_size,
    )


def _conserved(
    problem, template, method, state: State, theta: Theta, t: Scalar
) -> tuple[Theta, Bool[Array, ""]]:
    """theta on the invariants that the method keeps, and whether it got there."""
    if not method.conserve:
        return theta, jnp.asarray(True)
    invariants = Invariants.of(problem, theta.dtype)
    return invariants.restore(template, theta, t, state.invariants, method.conserve)


def _of_scheme(result: StepResult) -> dict:
    """What the scheme itself knows of its step, by the names of `StepRecord`."""
    return result.statistics | {
        "target_finite": result.target_finite,
        "rhs_norm": result.rhs_norm,
        "stiffness": result.stiffness,
        "velocity_norm": jnp.linalg.norm(result.velocity0),
        "velocity0": result.velocity0,
        "velocity1": result.velocity1,
    }


def _held_out_residual(problem, template, method, state: State, residual_at, key) -> Scalar:
    """|J v - f| / |f| at the theta, t and v given, on an eighth as many points not used."""
    draw_key, choice_key = jax.random.split(jax.random.fold_in(key, 1))
    (theta, t, velocity), rebuild = residual_at, flatten(template)[1]
    field = field_at(rebuild(theta), t)
    drawn, _ = method.sampler.draw(state.sampler_state, problem.domain, field, draw_key)
    total = drawn.weights.size
    chosen = jax.random.permutation(choice_key, total)[: max(total // 8, min(total, 64))]
    weights = drawn.weights[chosen]
    sample = WeightedPoints(drawn.points[chosen], weights / jnp.sum(weights))

    def values(theta):
        return problem.norm.on_points(field_at(rebuild(theta), t), sample.points)

    _, change = jax.jvp(values, (theta,), (velocity,))
    f = right_hand_side(problem, field, t, sample, None)
    missed, size = (jnp.sqrt(jnp.sum(sample.weights @ u**2)) for u in (change - f, f))
    return safe_ratio(missed, size)
