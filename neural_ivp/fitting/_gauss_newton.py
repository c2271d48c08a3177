"""Gauss-Newton with Levenberg-Marquardt damping, on the kernel of the linear layer."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from ..errors import InputError, check_count, check_kind, check_positive
from ..linear import (
    AbstractLinearisation,
    AbstractVelocitySolver,
    ProximalDamping,
    choose_velocity_solver,
    linearise,
    solve_velocity,
)
from ..networks import AbstractNetwork, flatten
from ..samplers import AbstractSampler, ImportanceSampling
from ..types import Scalar, Theta
from ._base import AbstractFitStage, FitProgress, StageResult
from ._objective import AbstractObjective

# Relative dampings of the first step, and the smallest and largest that make sense.
FIRST, SMALLEST, LARGEST = 1e-2, 1e-15, 1e4
# Side of the largest system that is factored whole: a fifth of a second on two cores.
LARGEST_SYSTEM = 3_000


class GaussNewton(AbstractFitStage):
    r"""theta + v, with v the velocity that carries u_theta to the target in a time of one.

    Each step solves $\min_v \overline{|J v - (u_0 - u)|^2} + \mu |v|^2$ on fresh points by a
    velocity solver. The gain, the decrease of the misfit over the decrease that the linear
    model promised, decides on the step and adapts mu (Levenberg-Marquardt): a step that does
    not decrease the misfit is not taken.

    The damping pulls v towards `momentum` times the step before instead of towards zero. What
    one sample of the points, or one subset of the parameters, does not determine so goes on as
    the ones before it had it: far fewer steps, for nothing.

    It ends at the `tolerance`, when the held-out error has not improved by a tenth in
    `patience` reports, or after `steps`; the best network of all reports is returned.

    **Arguments:**

    - `steps`: at most.
    - `tolerance`: held-out relative L2 error at which to stop.
    - `velocity`: the solver; its own damping is not used. In float64 the smaller of the two
      normal systems by default, `RidgeDual` or `RidgeCholesky`, and with more than 3 000 of both
      rows and parameters a random subset of 700 parameters; in float32, where the normal
      equations lose what a fit below 1e-3 needs, a subset of 500 by QR of J.
    - `sampler`: of the points; they follow the target's size and the misfit's by default.
      Far fewer points than parameters do, since the momentum remembers the ones before.
    - `momentum`: at least 0, below 1. Good values: 0.8 to 0.9.
    - `report_every`: steps between measurements of the held-out error.
    - `patience`: reports without improvement.

    **Raises:** `InputError` for a count below one, a tolerance that is negative, a momentum outside
    [0, 1), or a solver or sampler of the wrong kind.

    Source: Nocedal & Wright, "Numerical optimization", 2006, section 10.3; Goldshlager, Abrahamsen
    & Lin, "A Kaczmarz-inspired approach to accelerate the optimization of neural network
    wavefunctions", 2024, for the momentum.
    """

    steps: int = eqx.field(static=True)
    tolerance: float
    velocity: AbstractVelocitySolver | None
    sampler: AbstractSampler
    momentum: float
    report_every: int = eqx.field(static=True)
    patience: int = eqx.field(static=True)

    def __init__(
        self,
        *,
        steps: int = 2_500,
        tolerance: float = 1e-5,
        velocity: AbstractVelocitySolver | None = None,
        sampler: AbstractSampler = ImportanceSampling(500),  # noqa: B008 (immutable)
        momentum: float = 0.9,
        report_every: int = 50,
        patience: int = 10,
    ):
        for name, count in (("steps", steps), ("report_every", report_every)):
            check_count(name, count)
        check_count("patience", patience)
        check_positive("tolerance", tolerance, zero=True)
        check_kind("sampler", sampler, AbstractSampler)
        if velocity is not None:
            check_kind("velocity", velocity, AbstractVelocitySolver)
        check_positive("momentum", momentum, zero=True)
        if not momentum < 1:
            raise InputError(f"`momentum` must lie in [0, 1), got {momentum!r}")
        self.momentum = momentum
        self.steps, self.tolerance, self.velocity = steps, tolerance, velocity
        self.sampler, self.report_every, self.patience = sampler, report_every, patience

    def run(
        self,
        network: AbstractNetwork,
        objective: AbstractObjective,
        key: PRNGKeyArray,
        measure: Callable[[AbstractNetwork], float],
        progress: Callable[[FitProgress], None],
    ) -> tuple[AbstractNetwork, StageResult]:
        theta, rebuild = flatten(network)
        sampler_state = objective.init(self.sampler, theta.dtype, key)
        state = _State(theta, jnp.zeros_like(theta), jnp.asarray(FIRST, theta.dtype), sampler_state)
        best, best_error, waited, step = network, measure(network), 0, 0
        mark = best_error  # a tenth less than this is progress, made at once or little by little
        ending = _ending(self, best_error, step, waited)
        while not ending:
            stop = min(step + self.report_every, self.steps)
            # A step's key depends on its number alone, not on how the steps are chunked.
            state = _improve(self, network, state, objective, key, jnp.arange(step, stop))
            step, error = stop, measure(rebuild(state.theta))
            if error < best_error:
                best, best_error = rebuild(state.theta), error
            waited = 0 if best_error < 0.9 * mark else waited + 1
            mark = best_error if waited == 0 else mark
            ending = _ending(self, best_error, step, waited)
            progress(FitProgress("gauss-newton", step, step if ending else self.steps, error))
        return best, StageResult("gauss-newton", step, best_error, ending)


class _State(eqx.Module):
    """What goes from step to step; `move` is the step before."""

    theta: Theta
    move: Theta
    damping: Scalar
    sampler_state: Any


def _ending(stage: GaussNewton, best_error: float, step: int, waited: int) -> str:
    """Why the stage ends here; empty if it goes on."""
    if best_error <= stage.tolerance:
        return f"its tolerance of {stage.tolerance:.1e} is met"
    if step == stage.steps:
        return f"all of its steps, short of its tolerance of {stage.tolerance:.1e}"
    if waited == stage.patience:
        last = waited * stage.report_every
        return f"no tenth less in {last} steps, short of its tolerance of {stage.tolerance:.1e}"
    return ""


@eqx.filter_jit
def _improve(
    stage: GaussNewton, template, state: _State, objective: AbstractObjective, key, numbers
):
    """Take the steps of the given numbers."""
    rebuild = flatten(template)[1]

    def step(state, number):
        draw_key, solver_key = jax.random.split(jax.random.fold_in(key, number))
        batch, sampler_state = objective.draw(
            stage.sampler, state.sampler_state, rebuild(state.theta), draw_key
        )
        here = linearise(template, state.theta, batch.sample, objective.norm)
        misfit = here.values - batch.target
        solver = _default_velocity(here) if stage.velocity is None else stage.velocity
        before = jnp.asarray(stage.momentum, state.theta.dtype) * state.move
        damped = ProximalDamping(solver.with_damping(state.damping))
        found = solve_velocity(damped, here, -misfit, key=solver_key, velocity=before)
        trial = state.theta + found.value
        old = jnp.sum(here.mean_square(misfit))
        new = jnp.sum(here.mean_square(objective.misfit(rebuild(trial), batch)))
        promised = old * (1 - found.info.projection_residual**2)
        taken = new < old
        gain = jnp.where(taken, (old - new) / promised, -1)
        theta, move = jnp.where(taken, trial, state.theta), jnp.where(taken, found.value, 0)
        return _State(theta, move, _adapted(state.damping, gain), sampler_state), None

    return jax.lax.scan(step, state, numbers)[0]


def _adapted(damping: Scalar, gain: Scalar) -> Scalar:
    """Less damping after a step that the linear model foresaw, more after one it did not."""
    factor = jnp.where(
        gain > 0.75, 1 / 3, jnp.where(gain > 0.25, 1.0, jnp.where(gain > 0, 2.0, 4.0))
    )
    return jnp.clip(damping * factor.astype(damping.dtype), SMALLEST, LARGEST)


def _default_velocity(linearisation: AbstractLinearisation) -> AbstractVelocitySolver:
    """What measured best in `benchmarks/fits.py`."""
    p, rows = linearisation.num_parameters, linearisation.values.size
    dtype = linearisation.values.dtype
    subset = 700 if min(p, rows) > LARGEST_SYSTEM else None
    return choose_velocity_solver(p, rows, dtype, subset=subset if dtype == jnp.float64 else 500)[0]
