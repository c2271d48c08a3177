"""Gauss-Newton with Levenberg-Marquardt damping, on the kernel of the linear layer."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from .._errors import check_count, check_positive
from .._types import Scalar, Theta
from ..linear import (
    AbstractVelocitySolver,
    LeastSquares,
    RandomSubset,
    RidgeCholesky,
    linearise,
    solve_velocity,
)
from ..networks import AbstractNetwork, flatten
from ..samplers import AbstractSampler, Following
from ._base import AbstractFitStage, FitProgress, Goal

# Relative dampings of the first step, and the smallest and largest that make sense.
FIRST, SMALLEST, LARGEST = 1e-2, 1e-15, 1e4


class GaussNewton(AbstractFitStage):
    r"""theta + v, with v the velocity that carries u_theta to the target in a time of one.

    Each step solves $\min_v \overline{|J v - (u_0 - u)|^2} + \mu |v|^2$ on fresh points by a
    velocity solver. The gain, the decrease of the misfit over the decrease that the linear
    model promised, decides on the step and adapts mu (Levenberg-Marquardt): a step that does
    not decrease the misfit is not taken.

    It ends at the `tolerance`, when the held-out error has not improved by a tenth in
    `patience` reports, or after `steps`; the best network of all reports is returned.

    **Arguments:**

    - `steps`: at most.
    - `tolerance`: held-out relative L2 error at which to stop.
    - `velocity`: the solver; its own damping is not used. A random subset of 500 to 700
      parameters by default, by Cholesky in float64 and by QR in float32, which takes more
      steps of a fraction of the cost than all parameters at once.
    - `sampler`: of the points; they follow the target's size by default.
    - `report_every`: steps between measurements of the held-out error.
    - `patience`: reports without improvement.

    **Raises:** `InputError` for a count below one or a tolerance that is negative.

    Source: Nocedal & Wright, "Numerical optimization", 2006, section 10.3.
    """

    steps: int = eqx.field(static=True)
    tolerance: float
    velocity: AbstractVelocitySolver | None
    sampler: AbstractSampler
    report_every: int = eqx.field(static=True)
    patience: int = eqx.field(static=True)

    def __init__(
        self,
        *,
        steps: int = 500,
        tolerance: float = 1e-5,
        velocity: AbstractVelocitySolver | None = None,
        sampler: AbstractSampler = Following(2_000),  # noqa: B008 (immutable)
        report_every: int = 20,
        patience: int = 5,
    ):
        for name, count in (("steps", steps), ("report_every", report_every)):
            check_count(name, count)
        check_count("patience", patience)
        check_positive("tolerance", tolerance, zero=True)
        self.steps, self.tolerance, self.velocity = steps, tolerance, velocity
        self.sampler, self.report_every, self.patience = sampler, report_every, patience

    def run(
        self,
        network: AbstractNetwork,
        goal: Goal,
        key: PRNGKeyArray,
        measure: Callable[[AbstractNetwork], float],
        report: Callable[[FitProgress], None],
    ) -> tuple[AbstractNetwork, int]:
        theta, rebuild = flatten(network)
        damping = jnp.asarray(FIRST, theta.dtype)
        best, best_error, since_best, step = network, measure(network), 0, 0
        finished = best_error <= self.tolerance
        while not finished:
            stop = min(step + self.report_every, self.steps)
            # A step's key depends on its number alone, not on how the steps are chunked.
            theta, damping = _improve(
                self, network, theta, damping, goal, key, jnp.arange(step, stop)
            )
            step, error = stop, measure(rebuild(theta))
            since_best = 0 if error < 0.9 * best_error else since_best + 1
            if error < best_error:
                best, best_error = rebuild(theta), error
            met = best_error <= self.tolerance
            finished = met or step == self.steps or since_best == self.patience
            total = step if finished else self.steps
            report(FitProgress("gauss-newton", step, total, error))
        return best, step


@eqx.filter_jit
def _improve(stage: GaussNewton, template, theta: Theta, damping: Scalar, goal: Goal, key, numbers):
    """Take the steps of the given numbers."""
    memory = stage.sampler.init(goal.domain, theta.dtype, key)
    solver = _default_velocity(theta) if stage.velocity is None else stage.velocity

    def step(carry, number):
        theta, damping = carry
        draw_key, solver_key = jax.random.split(jax.random.fold_in(key, number))
        sample, _ = stage.sampler.draw(memory, goal.domain, goal.target, draw_key)
        here = linearise(template, theta, sample, goal.norm)
        misfit = _misfit(template, theta, goal, sample)
        move = solve_velocity(solver.damped(damping), here, -misfit, key=solver_key)
        trial = theta + move.value
        before = jnp.sum(here.mean_square(misfit))
        after = jnp.sum(here.mean_square(_misfit(template, trial, goal, sample)))
        promised = before * (1 - move.info.projection_residual**2)
        taken = after < before
        gain = jnp.where(taken, (before - after) / promised, -1)
        return (jnp.where(taken, trial, theta), _adapted(damping, gain)), taken

    (theta, damping), _ = jax.lax.scan(step, (theta, damping), numbers)
    return theta, damping


def _misfit(template, theta, goal: Goal, sample):
    network = flatten(template)[1](theta)
    return jax.vmap(lambda x: goal.misfit(network, x))(sample.points)


def _adapted(damping: Scalar, gain: Scalar) -> Scalar:
    """Less damping after a step that the linear model foresaw, more after one it did not."""
    factor = jnp.where(
        gain > 0.75, 1 / 3, jnp.where(gain > 0.25, 1.0, jnp.where(gain > 0, 2.0, 4.0))
    )
    return jnp.clip(damping * factor.astype(damping.dtype), SMALLEST, LARGEST)


def _default_velocity(theta: Theta) -> AbstractVelocitySolver:
    """The normal equations in float32 lose what the fit needs below an error of 1e-3."""
    if theta.dtype == jnp.float64:
        return RandomSubset(RidgeCholesky(), 700)
    return RandomSubset(LeastSquares(), 500)
