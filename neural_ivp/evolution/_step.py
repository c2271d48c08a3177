"""One step of the ODE of the parameters: pure, compiled once for all segments.

The stages of a step share its points. Each step draws new ones, so its first stage cannot reuse the
last stage of the step before.
"""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from ..linear import right_hand_side, safe_ratio, solver_for
from ..networks import AbstractNetwork, WithVelocity, flatten
from ..precision import compiled
from ..problems import AbstractProblem
from ..trials import draw_boundary_rows, trial_for
from ..types import Scalar, Time
from ._invariants import Invariants
from ._method import NeuralIVP
from ._residuals import boundary_residual, held_out_residual
from ._state import State, StepRecord
from .schemes import StepEquation

# Of the interval: the time over which a contradiction at the boundary is removed.
RAMP = 0.005


def init(
    problem: AbstractProblem,
    network: AbstractNetwork,
    method: NeuralIVP,
    t0: Time,
    t1: Time,
    key: PRNGKeyArray,
    *,
    start: Time | None = None,
) -> State:
    """The `State` at `t0` from which `step` integrates to `t1`.

    The first step size is the integrator's `dt0`; if it has none, 1 % of |u| / |L[u]|, at most the
    interval.

    **Arguments:**

    - `problem`: domain, right-hand side and invariants.
    - `network`: u at `t0`, fitted already.
    - `method`: the numerical method; its fit and restart rule are not used.
    - `t0`, `t1`: the interval, in time units.
    - `key`: of the random choices of all steps.
    - `start`: the time of the initial value, after a restart; `t0` if not given.

    **Returns:** a `neural_ivp.evolution.State`.

    Source: Hairer, Norsett & Wanner, "Solving ordinary differential equations I", II.4.

    ```python
    state = nivp.init(problem, network, method, 0.0, 1.0, jax.random.key(0))
    print(state.dt)
    ```
    """
    # Times become arrays: as Python numbers each value would be compiled anew.
    start = None if start is None else jnp.asarray(start)
    return compiled_init(problem, network, method, jnp.asarray(t0), jnp.asarray(t1), start, key)


@compiled
def compiled_init(
    problem, network, method, t0: Scalar, t1: Scalar, start, key: PRNGKeyArray
) -> State:
    method = _for_problem(method, problem)
    theta, _ = flatten(network)
    t0, t1 = t0.astype(theta.dtype), t1.astype(theta.dtype)
    sampler_state = method.sampler.init(problem.domain, theta.dtype, key)
    trial = trial_for(problem, network)
    field = trial.field(network, t0)
    sample, _ = method.sampler.draw(sampler_state, problem.domain, field, key)
    f = right_hand_side(problem, trial, network, t0, sample, method.chunk_size)
    if method.integrator.dt0 is None:
        quantities = problem.norm.on_points(field, sample.points)
        if isinstance(network, WithVelocity):
            sizes, rates = jnp.split(problem.norm.scales.astype(theta.dtype), 2)
            velocity = jnp.split(quantities, 2, axis=1)[1] * (rates / sizes)[None, :]
            f = jnp.concatenate([velocity, f], axis=1)
        if trial.relative:
            quantities = jnp.ones_like(quantities)
        rate, size = jnp.linalg.norm(f), jnp.linalg.norm(quantities)
        usable = (rate > 0) & jnp.isfinite(rate)
        dt = 0.01 * size / jnp.where(usable, rate, 1)
        dt = jnp.where(usable & (dt != 0), dt, 0.01 * (t1 - t0))
    else:
        dt = jnp.asarray(method.integrator.dt0, theta.dtype)
    return State(
        t=t0,
        theta=theta,
        dt=jnp.minimum(dt, t1 - t0),
        velocity=jnp.zeros_like(theta),
        start=t0 if start is None else start.astype(theta.dtype),
        ramp=RAMP * (t1 - t0),
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
    """Attempt one step of the size `state.dt`, not beyond `stop`.

    A rejected step leaves `t` and `theta` unchanged and reduces `dt`.

    **Arguments:**

    - `problem`, `method`: as for `init`.
    - `template`: the architecture of the network; the parameters are `state.theta`.
    - `state`: of `init` or of the step before.
    - `stop`: the latest end time of the step.

    **Returns:** the new `State`, and the `StepRecord` of the attempt (`neural_ivp.evolution`).

    ```python
    state = nivp.init(problem, network, method, 0.0, 1.0, jax.random.key(0))
    state, record = nivp.step(problem, network, method, state, 1.0)
    ```
    """
    return compiled_step(problem, template, method, state, jnp.asarray(stop))


@compiled
def compiled_step(
    problem, template, method, state: State, stop: Scalar
) -> tuple[State, StepRecord]:
    method = _for_problem(method, problem)
    theta, t0 = state.theta, state.t
    stop = stop.astype(theta.dtype)
    last = t0 + 1.01 * state.dt >= stop
    t1 = jnp.where(last, stop, t0 + state.dt)
    sample_key, solver_key = jax.random.split(jax.random.fold_in(state.key, state.attempts))
    field = trial_for(problem, template).field(flatten(template)[1](theta), t0)
    sample, sampler_state = method.sampler.draw(
        state.sampler_state, problem.domain, field, sample_key
    )
    ramp = state.start, state.ramp
    equation = step_equation(problem, template, method, sample, solver_key, t1 - t0, ramp)
    equation = equation.at_chosen_points(theta, t0)
    theta = equation.shortened(theta, t0)
    result = method.integrator.scheme.advance(equation, theta, t0, t1, state.velocity)
    invariants = Invariants.of(problem, theta.dtype)
    theta1, restored = invariants.restore(
        equation, result.theta, t1, state.invariants, method.conserve
    )
    solved = result.solved & restored
    solved &= jnp.all(jnp.isfinite(theta1)) & jnp.all(jnp.isfinite(result.values))
    accepted, scaled, dt, controller_state = method.integrator.control(
        equation, theta, result, solved, t0, t1, state.controller_state
    )
    moving = accepted, t0, t1, jax.random.fold_in(solver_key, 1)
    new = dataclasses.replace(
        state,
        t=jnp.where(accepted, t1, t0),
        theta=jnp.where(accepted, theta1, state.theta),
        # A step cut short by `stop` does not reduce the step size.
        dt=jnp.where(accepted & last, jnp.maximum(dt, state.dt), dt),
        velocity=jnp.where(accepted, result.velocity, state.velocity),
        attempts=state.attempts + 1,
        controller_state=controller_state,
        sampler_state=_advanced(method, sampler_state, *moving),
    )
    start = state.theta_at_restart
    parts = equation, method.sampler, state, result, jax.random.fold_in(sample_key, 1)
    record = StepRecord(
        t0=t0,
        t1=t1,
        accepted=accepted,
        solved=solved,
        error=scaled,
        parameter_drift=safe_ratio(jnp.linalg.norm(theta1 - start), jnp.linalg.norm(start)),
        invariants=invariants(equation.field(theta1, t1)),
        norm=equation.size(theta1, t1),
        boundary_residual=boundary_residual(equation, theta1, t1),
        target_finite=result.target_finite,
        rhs_norm=result.rhs_norm,
        stiffness=result.stiffness,
        velocity_norm=jnp.linalg.norm(result.velocity0),
        velocity0=result.velocity0,
        velocity1=result.velocity1,
        **held_out_residual(*parts)._asdict(),
        **result.statistics,
    )
    return new, record


def _advanced(method: NeuralIVP, state, accepted, t0: Scalar, t1: Scalar, key: PRNGKeyArray):
    """The state of the sampler at the end of an attempted step."""
    moved = method.sampler.advance(state, t0, t1, key)
    return jax.tree.map(lambda new, old: jnp.where(accepted, new, old), moved, state)


def _for_problem(method: NeuralIVP, problem: AbstractProblem) -> NeuralIVP:
    return eqx.tree_at(lambda m: m.sampler, method, method.sampler.for_problem(problem))


def step_equation(
    problem,
    template,
    method: NeuralIVP,
    sample,
    key,
    dt: Scalar,
    ramp: tuple[Scalar, Scalar],
) -> StepEquation:
    """The equation of a step of size `dt` at its points, with the solver and tolerances of a
    method; `ramp` is (start, ramp) of a `State`."""
    trial, boundary_key = trial_for(problem, template), jax.random.fold_in(key, 2)
    return StepEquation(
        problem=problem,
        trial=trial,
        boundary=draw_boundary_rows(problem, trial, len(sample.points), *ramp, boundary_key),
        rate=_relaxation(problem, template, dt),
        template=template,
        sample=sample,
        solver=solver_for(method.velocity_solver, template),
        key=key,
        rtol=method.integrator.rtol,
        atol=method.integrator.atol,
        chunk_size=method.chunk_size,
    )


def _relaxation(problem, template, dt: Scalar) -> Scalar:
    """The rate at which what a condition has drifted is taken back: within about a step, and in
    problems of second order not faster than u varies, since that takes accelerations."""
    if not isinstance(template, WithVelocity):
        return 1 / dt
    sizes, rates = jnp.split(problem.norm.scales.astype(dt.dtype), 2)
    return jnp.minimum(1 / dt, jnp.max(rates / sizes))
