"""The start of a density: the frame, the coefficients, and the directions of a ridge sum."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ..densities import GaussianMixture
from ..fitting import FitProgress, FitResult, StageResult
from ..linear import (
    AbstractVelocitySolver,
    DrivenLinearisation,
    solve_velocity,
    solver_for,
    velocity_problem_at,
)
from ..networks import GaussianFrame, flatten
from ..precision import compiled
from ..problems import AbstractDensityProblem, AbstractProblem
from ..trials import LogDensity, trial_for
from ..types import Scalar, Time, WeightedPoints
from ._directions import Misfit, first_directions, velocity_misfit
from .restart import DirectionGrowth

# Of the rate of log u that the frame leaves, relative to the whole: below it nothing is to be
# represented.
NEGLIGIBLE = 1e-8
# The number of directions that are kept then.
FEW = 2


def fit_density(
    solver: AbstractVelocitySolver,
    count: int,
    growth: DirectionGrowth | None,
    network: GaussianFrame,
    problem: AbstractProblem,
    t: Time,
    key: PRNGKeyArray,
    progress: Callable[[FitProgress], None],
) -> FitResult:
    """The coefficients by least squares on `count` particles of the initial density, and directions
    along which log u begins to change."""
    trial_for(problem, network)  # refuses another problem
    assert isinstance(problem, AbstractDensityProblem)
    point_key, test_key, direction_key, solver_key = jax.random.split(key, 4)
    law, time = problem.process.initial, jnp.asarray(t, network.means.dtype)
    sample, test = _draw(law, count, time.dtype, point_key, test_key)
    error = _misfit(network, problem, test)
    steps = 0
    if error > NEGLIGIBLE:
        network = _with_coefficients(solver, network, problem, sample, solver_key)
        error, steps = _misfit(network, problem, test), 1
    stages = [StageResult("coefficients", steps, float(error), "least squares on particles")]

    def measure(network: GaussianFrame) -> Misfit:
        enough = max(count, growth.num_particles(network)) if growth else count
        samples = _draw(law, enough, time.dtype, point_key, test_key)
        return velocity_misfit(solver, network, problem, time, samples, solver_key)

    z, rest, share = _remainder(network, problem, time, sample)
    if not float(share) > NEGLIGIBLE:
        ending = "the frame alone follows the equation: few directions are kept"
        few = network.inner.reduced(FEW)
        network = eqx.tree_at(lambda net: net.inner, network, few)
        misfit = measure(network)
    else:
        allows = growth.allows if growth else lambda net: False
        network, misfit, ending = first_directions(network, z, rest, measure, allows, direction_key)
    stages.append(StageResult("directions", 0, float(error), ending))
    history = FitProgress("particles", 1, 1, float(error))
    progress(history)
    parts = float(error), float(error), steps, tuple(stages), (history,), LogDensity(), float(t)
    return FitResult(network, *parts, float(misfit.held_out))


def _draw(law: GaussianMixture, count: int, dtype, *keys) -> tuple[WeightedPoints, ...]:
    return tuple(WeightedPoints.equal(law.sample(count, key).astype(dtype)) for key in keys)


@compiled
def _misfit(
    network: GaussianFrame, problem: AbstractDensityProblem, sample: WeightedPoints
) -> Scalar:
    """The root mean square of the error of log u, about the relative error of u."""
    law = problem.process.initial
    misfit = jax.vmap(lambda x: network(x)[0] - law.log_density(x))(sample.points)
    return jnp.sqrt(sample.weights @ misfit**2)


@compiled
def _with_coefficients(
    solver: AbstractVelocitySolver,
    network: GaussianFrame,
    problem: AbstractDensityProblem,
    sample: WeightedPoints,
    key: PRNGKeyArray,
) -> GaussianFrame:
    theta, rebuild = flatten(network)
    law, zero = problem.process.initial, jnp.zeros((), theta.dtype)
    parts = problem, trial_for(problem, network), network, theta, zero, sample, None
    linearisation, _ = velocity_problem_at(*parts)
    misfit = jax.vmap(lambda x: law.log_density(x) - network(x)[0])(sample.points)
    assert isinstance(linearisation, DrivenLinearisation)
    still = eqx.tree_at(lambda J: J.drive, linearisation, jnp.zeros_like(theta))
    driven = solver_for(solver, network)
    change = solve_velocity(driven, still, misfit[:, None], key=key).value
    fitted = rebuild(theta + change)
    assert isinstance(fitted, GaussianFrame)
    return fitted


@compiled
def _remainder(
    network: GaussianFrame, problem, t: Scalar, sample: WeightedPoints
) -> tuple[Float[Array, "n d"], Float[Array, " n"], Scalar]:
    """Whitened points, what the frame leaves of the rate of log u, and its share."""
    theta, _ = flatten(network)
    parts = problem, trial_for(problem, network), network, theta, t, sample, None
    linearisation, f = velocity_problem_at(*parts)
    assert isinstance(linearisation, DrivenLinearisation)
    rest = (f - linearisation.push(linearisation.drive))[:, 0]
    size = jnp.linalg.norm(f - jnp.mean(f))
    share = jnp.linalg.norm(rest - jnp.mean(rest)) / jnp.where(size > 0, size, 1)
    return jax.vmap(network.whitened)(sample.points), rest, share
