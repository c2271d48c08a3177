"""Gauss-Newton with Levenberg-Marquardt damping, by a velocity solver."""

from collections.abc import Callable
from dataclasses import KW_ONLY
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
from ..memory import check_memory, memory_of
from ..networks import AbstractNetwork, flatten
from ..precision import compiled
from ..samplers import AbstractSampler, ImportanceSampling
from ..types import Scalar, Theta
from ._base import AbstractFitStage, FitProgress, StageResult
from ._objective import AbstractObjective

# Relative dampings: the first one and bounds.
FIRST, SMALLEST, LARGEST = 1e-2, 1e-15, 1e4
# Size of the largest system that is factored.
LARGEST_SYSTEM = 3_000


class GaussNewton(AbstractFitStage):
    r"""Gauss-Newton steps $\min_v \overline{|J v - (u_0 - u)|^2} + \mu |v - v_0|^2$ to u_0.

    u_0 is the target and v_0 is `momentum` times the previous step: in directions that the points
    of this step do not determine, the step equals v_0. The gain, the decrease of the misfit over
    that of the linear model, adapts mu (Levenberg-Marquardt); a step that does not decrease the
    misfit is rejected.

    The stage ends at the `tolerance`, when the held-out error has not decreased by a tenth in
    `patience` reports, or after `steps`; it returns the best network of all reports.

    **Arguments:**

    - `steps`: the largest number of steps.
    - `tolerance`: held-out relative L2 error at which to stop.
    - `velocity_solver`: whose own damping is not used; chosen by the sizes and the
      dtype of J if not given.
    - `sampler`: that of the points of a step; fewer points than parameters suffice.
    - `momentum`: at least 0, below 1. Good values: 0.8 to 0.9.
    - `report_every`: steps between measurements of the held-out error.
    - `patience`: reports without improvement.

    **Raises:** `InputError` for a count below one, a tolerance that is negative, a momentum outside
    [0, 1), or a solver or sampler of the wrong kind.

    Source: Nocedal & Wright, "Numerical optimization", 2006, section 10.3; Goldshlager, Abrahamsen
    & Lin, "A Kaczmarz-inspired approach to accelerate the optimization of neural network
    wavefunctions", 2024, for the momentum.

    ```python
    stage = nivp.GaussNewton(tolerance=1e-6, sampler=nivp.ImportanceSampling(1_000))
    method = nivp.NeuralIVP(sampler=nivp.Uniform(9), velocity_solver=nivp.RidgeDual(), fit=(stage,))
    ```
    """

    _: KW_ONLY
    steps: int = eqx.field(static=True, default=2_500)
    tolerance: float = 1e-5
    velocity_solver: AbstractVelocitySolver | None = None
    sampler: AbstractSampler = ImportanceSampling(500)
    momentum: float = 0.9
    report_every: int = eqx.field(static=True, default=50)
    patience: int = eqx.field(static=True, default=10)

    def __check_init__(self):
        for name in ("steps", "report_every", "patience"):
            check_count(name, getattr(self, name))
        check_positive("tolerance", self.tolerance, zero=True)
        check_kind("sampler", self.sampler, AbstractSampler)
        if self.velocity_solver is not None:
            check_kind("velocity_solver", self.velocity_solver, AbstractVelocitySolver)
        check_positive("momentum", self.momentum, zero=True)
        if not self.momentum < 1:
            raise InputError(f"`momentum` must lie in [0, 1), got {self.momentum!r}")

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
        reference = best_error  # a tenth below this is an improvement, in one report or several
        ending = _ending(self, best_error, step, waited)
        numbers = jnp.arange(min(self.report_every, self.steps))
        needed = memory_of(_improve, self, network, state, objective, key, numbers)
        check_memory(needed, "a step of the fit", _remedy(self, theta.size))
        while not ending:
            stop = min(step + self.report_every, self.steps)
            # A step's key depends on its number alone, not on how the steps are chunked.
            state = _improve(self, network, state, objective, key, jnp.arange(step, stop))
            step, error = stop, measure(rebuild(state.theta))
            if error < best_error:
                best, best_error = rebuild(state.theta), error
            waited = 0 if best_error < 0.9 * reference else waited + 1
            reference = best_error if waited == 0 else reference
            ending = _ending(self, best_error, step, waited)
            progress(FitProgress("gauss-newton", step, step if ending else self.steps, error))
        return best, StageResult("gauss-newton", step, best_error, ending)


class _State(eqx.Module):
    """The state of the iteration; `change` is the previous step, 0 if it was rejected."""

    theta: Theta
    change: Theta
    damping: Scalar
    sampler_state: Any


def _ending(stage: GaussNewton, best_error: float, step: int, waited: int) -> str:
    """Return why the stage ends; empty if it goes on."""
    if best_error <= stage.tolerance:
        return f"its tolerance of {stage.tolerance:.1e} is met"
    if step == stage.steps:
        return f"all of its steps, short of its tolerance of {stage.tolerance:.1e}"
    if waited == stage.patience:
        last = waited * stage.report_every
        return (
            f"the held-out error fell by less than a tenth in {last} steps, short of its tolerance "
            f"of {stage.tolerance:.1e}"
        )
    return ""


def _remedy(stage: GaussNewton, num_parameters: int) -> str:
    """What takes less memory, with the present sizes."""
    return (
        f"take fewer than {stage.sampler.num_points} points (`GaussNewton(sampler=...)`) or fewer "
        f"than {num_parameters} parameters"
    )


@compiled
def _improve(
    stage: GaussNewton, template, state: _State, objective: AbstractObjective, key, numbers
):
    """Take the steps of these numbers."""
    rebuild = flatten(template)[1]

    def step(state, number):
        draw_key, solver_key = jax.random.split(jax.random.fold_in(key, number))
        batch, sampler_state = objective.draw(
            stage.sampler, state.sampler_state, rebuild(state.theta), draw_key
        )
        J = linearise(template, state.theta, batch.sample, objective.norm)
        misfit = J.values - batch.target
        solver = (
            _default_velocity_solver(J) if stage.velocity_solver is None else stage.velocity_solver
        )
        momentum = jnp.asarray(stage.momentum, state.theta.dtype) * state.change
        damped = ProximalDamping(solver.with_damping(state.damping))
        velocity = solve_velocity(damped, J, -misfit, key=solver_key, initial_velocity=momentum)
        trial = state.theta + velocity.value
        old = jnp.sum(J.mean_square(misfit))
        new = jnp.sum(J.mean_square(objective.misfit(rebuild(trial), batch)))
        predicted = old * (1 - velocity.info.projection_residual**2)
        accepted = new < old
        gain = jnp.where(accepted, (old - new) / predicted, -1)
        theta = jnp.where(accepted, trial, state.theta)
        change = jnp.where(accepted, velocity.value, 0)
        return _State(theta, change, _adapted(state.damping, gain), sampler_state), None

    return jax.lax.scan(step, state, numbers)[0]


def _adapted(damping: Scalar, gain: Scalar) -> Scalar:
    """Return the damping after a step of this gain."""
    factor = jnp.where(
        gain > 0.75, 1 / 3, jnp.where(gain > 0.25, 1.0, jnp.where(gain > 0, 2.0, 4.0))
    )
    return jnp.clip(damping * factor.astype(damping.dtype), SMALLEST, LARGEST)


def _default_velocity_solver(linearisation: AbstractLinearisation) -> AbstractVelocitySolver:
    """Return the default solver, the best one in `benchmarks/fits.py`."""
    p, rows = linearisation.num_parameters, linearisation.values.size
    dtype = linearisation.values.dtype
    subset = 700 if min(p, rows) > LARGEST_SYSTEM else None
    if dtype == jnp.float32:
        # QR of all of J is slow, and with fewer parameters than rows the fit stagnates.
        subset = min(7 * rows // 5, LARGEST_SYSTEM)
        subset = subset if subset < p else None
    return choose_velocity_solver(p, rows, dtype, subset=subset)[0]
