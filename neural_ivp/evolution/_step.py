"""One adaptive step of the parameter ODE: pure, compiled once, used for every segment.

The stages are run here from diffrax's Butcher tableau instead of by `solver.step`, for three
reasons: each stage reports its linear solve, starts from the velocity of the stage before, and
the right-hand side is traced once instead of three times. The steps equal diffrax's own (a
test compares them). Fresh points are drawn for each step and shared by its stages, so the
last stage of a step cannot serve as the first of the next.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from .._types import Scalar, Theta, Time
from ..linear import AbstractLinearisation, Velocity
from ..linear._linearise import on_points
from ..linear._velocity import ratio
from ..networks import AbstractNetwork, flatten
from ..problems import AbstractProblem
from ..samplers import Sample
from ._method import NeuralIVP
from ._runge_kutta import of_solves, run_stages
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
    controller = (jnp.ones((), theta.dtype), jnp.ones((), theta.dtype), jnp.asarray(False))
    zeros, count = jnp.zeros_like(theta), jnp.zeros((), jnp.int32)
    return State(
        t=t0,
        theta=theta,
        dt=jnp.minimum(dt, t1 - t0),
        guess=zeros,
        attempts=count,
        controller=controller,
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
    start, f = tangent_at(problem, template, theta, t0, sample, method.chunk)
    prepared = method.velocity.prepare(start, f, state.guess, state.velocity, solver_key)

    def velocity(theta, t, guess) -> tuple[Velocity, Scalar, Array]:
        here, f = tangent_at(problem, template, theta, t, sample, method.chunk)
        solved = method.velocity.solve(here, f, guess, prepared)
        speed = jnp.sqrt(jnp.sum(here.mean_square(f)))
        # Not the right-hand side's fault if the parameters were not finite to begin with.
        sound = jnp.isfinite(speed) | ~jnp.all(jnp.isfinite(theta))
        return solved, speed, sound

    theta1, error, first, final, stages, (speeds, sound) = run_stages(
        method.integrator, velocity, theta, t0, t1, state.guess
    )
    # Not J e: a difference of values also sees an estimate that has left the linear range.
    u1 = on_points(rebuild(theta1), sample, problem.norm)
    u_error = u1 - on_points(rebuild(theta1 - error), sample, problem.norm)
    finite = (
        jnp.all(jnp.isfinite(speeds))
        & jnp.all(jnp.isfinite(theta1))
        & jnp.all(jnp.isfinite(u1))
        & ~jnp.any(stages.refused)
    )
    accepted, scaled, dt, controller = _control(
        method.integrator,
        start,
        (u1, u_error),
        (theta, theta1, error),
        finite,
        t0,
        t1,
        state.controller,
    )
    # A step cut short by `stop` says nothing against the step size before it.
    dt = jnp.where(accepted & last, jnp.maximum(dt, state.dt), dt)
    new = State(
        t=jnp.where(accepted, t1, t0),
        theta=jnp.where(accepted, theta1, theta),
        dt=dt,
        guess=jnp.where(accepted, final, state.guess),
        attempts=state.attempts + 1,
        controller=controller,
        sampler=memory,
        velocity=method.velocity.remember(
            prepared, jnp.sum(stages.iterations), jnp.sum(stages.unconverged)
        ),
        key=state.key,
    )
    held_out = _held_out(problem, template, method, state, first, sample_key)
    record = StepRecord(
        t0=t0,
        t1=t1,
        accepted=accepted,
        finite=finite,
        target_finite=jnp.all(sound),
        error=scaled,
        held_out_residual=held_out,
        speed=speeds[0],
        rhs_evaluations=jnp.asarray(speeds.shape[0], jnp.int32),
        velocity0=first,
        velocity1=final,
        **of_solves(stages, prepared),
    )
    return new, record


def _held_out(problem, template, method, state: State, velocity: Theta, key) -> Scalar:
    """|J v - f| / |f| at the start of the step, at an eighth as many points that no solver saw."""
    draw_key, choice_key = jax.random.split(jax.random.fold_in(key, 1))
    theta, rebuild = state.theta, flatten(template)[1]
    drawn, _ = method.sampler.draw(state.sampler, problem.domain, rebuild(theta), draw_key)
    total = drawn.weights.size
    chosen = jax.random.permutation(choice_key, total)[: max(total // 8, min(total, 64))]
    weights = drawn.weights[chosen]
    sample = Sample(drawn.points[chosen], weights / jnp.sum(weights))

    def values(theta):
        return on_points(rebuild(theta), sample, problem.norm)

    _, change = jax.jvp(values, (theta,), (velocity,))
    f = right_hand_side(problem, rebuild(theta), state.t, sample, None)
    missed, size = (jnp.sqrt(jnp.sum(sample.weights @ u**2)) for u in (change - f, f))
    return ratio(missed, size)


def _control(
    integrator, start: AbstractLinearisation, values, parameters, finite, t0, t1, controller
):
    """Accept or reject by diffrax's controller, and the next step size."""
    if integrator.error_norm == "function":
        # One number: the norm of the problem says how points and components add up.
        y0, y1, y_error = (
            jnp.sqrt(jnp.sum(start.mean_square(u)))[None] for u in (start.values, *values)
        )
    else:
        y0, y1, y_error = parameters
    # A step that is not finite has an infinite error: the controller rejects and shortens it.
    y_error = jnp.where(finite, y_error, jnp.inf)
    y1 = jnp.where(finite, y1, y0)
    pid = integrator.controller()
    accepted, _, next_t1, _, controller, _ = pid.adapt_step_size(
        t0, t1, y0, y1, None, y_error, integrator.order, controller
    )
    scale = integrator.atol + integrator.rtol * jnp.maximum(jnp.abs(y0), jnp.abs(y1))
    scaled = jnp.sqrt(jnp.mean((y_error / scale) ** 2))
    return accepted, scaled, next_t1 - jnp.where(accepted, t1, t0), controller
