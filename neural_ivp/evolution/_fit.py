"""Fits of the initial value, and at restarts, by the stages of a method."""

import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from ..calculus import L2
from ..fitting import AbstractFitStage, FitProgress, FitResult, fit
from ..linear import (
    LeastSquares,
    RidgeCholesky,
    RidgeDual,
    SecondOrderLinearisation,
    linearise_unknown,
    solve_velocity,
)
from ..networks import AbstractNetwork, GaussianFrame, WithVelocity, flatten
from ..precision import compiled
from ..problems import AbstractProblem, AbstractSecondOrderProblem
from ..samplers import ImportanceSampling
from ..trials import trial_for
from ..types import Field, Theta, Time
from ._fit_density import fit_density
from ._method import NeuralIVP

# Of the fit of a velocity, which is linear.
POINTS, DAMPING = 4_000, 1e-13


def fit_network(
    method: NeuralIVP,
    network: AbstractNetwork,
    target: Field,
    problem: AbstractProblem,
    t: Time,
    key: PRNGKeyArray,
    progress: Callable[[FitProgress], None],
    *,
    stages: Sequence[AbstractFitStage] | None = None,
) -> FitResult:
    """Fit u(t, .) to a target with the norm and validation set of a method, by default its
    stages; the target of a network with a velocity is (u, u_t)."""
    if isinstance(network, GaussianFrame):
        return fit_density(
            method.velocity_solver,
            max(method.sampler.num_points, 1_000),
            method.growth,
            network,
            problem,
            t,
            key,
            progress,
        )
    if isinstance(network, WithVelocity):
        return _fit_with_velocity(method, network, target, problem, t, key, progress, stages)
    return fit(
        network,
        target,
        problem.domain,
        method.fit if stages is None else stages,
        trial=trial_for(problem, network),
        t=t,
        norm=L2(problem.norm.scales) if method.fit_norm is None else method.fit_norm,
        held_out=method.held_out,
        key=key,
        progress=progress,
    )


def refit_network(
    method: NeuralIVP,
    network: AbstractNetwork,
    problem: AbstractProblem,
    t: Time,
    key: PRNGKeyArray,
    progress: Callable[[FitProgress], None],
) -> tuple[FitResult, bool]:
    """New weights fitted to the current u, and whether they are refused as not accurate enough."""
    weights_key, fit_key = jax.random.split(key)
    time = jnp.asarray(t)
    target = trial_for(problem, network).field(network, time)
    start = method.refit.initial_network(network, weights_key)
    stages = method.refit.stages
    fitted = fit_network(method, start, target, problem, time, fit_key, progress, stages=stages)
    tolerance = method.refit.tolerance or method.integrator.rtol or math.inf
    error = fitted.relative_l2_error
    return fitted, not (math.isfinite(error) and error <= tolerance)


def _fit_with_velocity(
    method: NeuralIVP,
    network: WithVelocity,
    target: Field,
    problem: AbstractProblem,
    t: Time,
    key: PRNGKeyArray,
    progress: Callable[[FitProgress], None],
    stages: Sequence[AbstractFitStage] | None,
) -> FitResult:
    """The fit of u, then the shortest w with u_t = J w, and the errors of both."""
    assert isinstance(problem, AbstractSecondOrderProblem)
    fit_key, velocity_key, measure_key = jax.random.split(key, 3)
    c, position = problem.components // 2, problem.displacement_problem
    parts = position, t, fit_key, progress
    fitted = fit_network(method, network.inner, lambda x: target(x)[:c], *parts, stages=stages)
    moving = WithVelocity(fitted.network)
    time = jnp.asarray(t, moving.velocity.dtype)
    moving = moving.moving(_velocity_of(moving, target, problem, time, velocity_key))
    whole = fit(  # its errors alone
        moving,
        target,
        problem.domain,
        (),
        trial=trial_for(problem, moving),
        t=t,
        norm=L2(problem.norm.scales),
        held_out=method.held_out,
        key=measure_key,
    )
    done = fitted.steps, fitted.stages, fitted.history
    errors = whole.relative_l2_error, whole.scaled_maximum_error
    return FitResult(moving, *errors, *done, whole.trial, whole.t)


@compiled
def _velocity_of(
    network: WithVelocity,
    target: Field,
    problem: AbstractSecondOrderProblem,
    t: Time,
    key: PRNGKeyArray,
) -> Theta:
    theta, _ = flatten(network)
    c, trial = problem.components // 2, trial_for(problem, network)

    def both(x):
        return target(x).astype(x.dtype)

    sampler = ImportanceSampling(POINTS, oversampling=8)
    state = sampler.init(problem.domain, theta.dtype, key)
    sample, _ = sampler.draw(state, problem.domain, both, key)
    linearisation = linearise_unknown(problem, trial, network, theta, sample, None)
    assert isinstance(linearisation, SecondOrderLinearisation)
    wanted = trial.unknown_of(both, t)
    values = problem.norm.on_points(wanted, sample.points)[:, c:]
    if theta.dtype == "float32":  # in which normal equations lose three digits of the velocity
        solver = LeastSquares(damping=DAMPING)
    elif theta.size > values.size:
        solver = RidgeDual(damping=DAMPING)
    else:
        solver = RidgeCholesky(damping=DAMPING)
    return solve_velocity(solver, linearisation.position, values, key=key).value
