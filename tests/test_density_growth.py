"""Directions that are added to the network of a density on the way."""

import dataclasses

import diffrax as dfx
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.evolution import grown, wants_directions
from neural_ivp.evolution._directions import Misfit, first_directions
from neural_ivp.networks import flatten
from neural_ivp.samplers import DiffusionParticles
from neural_ivp.solve import _march

from .helpers import KEY, refused

COUPLED = nivp.problems.DoubleWells(2, coupling=0.25)
GROWTH = nivp.DirectionGrowth(1e-3, most=2)
METHOD = nivp.NeuralIVP(
    sampler=DiffusionParticles(600),
    velocity_solver=nivp.RidgeCholesky(damping=1e-7),
    integrator=nivp.AdaptiveStep(dfx.Bosh3(), rtol=1e-2, atol=1e-4),
    growth=GROWTH,
)
NETWORK = nivp.default_network(COUPLED, num_directions=2, num_bumps=6, key=KEY)
OPTIONS = dict(ts=[0.0, 0.1, 0.3], key=KEY)


@pytest.fixture(scope="module")
def solution():
    return nivp.solve(COUPLED, NETWORK, METHOD, **OPTIONS)


def test_directions_are_added_and_the_past_stays(solution):
    assert solution.template.inner.num_directions == 4
    exact = COUPLED.density()
    x = exact.sample(0.3, 1_000, np.random.default_rng(0))
    log_u = np.asarray(jax.vmap(solution.network(0.3))(jnp.asarray(x)))[:, 0]
    assert np.std(log_u - exact.log_density(0.3, x)) < 0.1
    start = solution.network(0.0)
    np.testing.assert_array_equal(start.inner.coefficients, 0)
    np.testing.assert_array_equal(start.inner.directions, solution.network(0.3).inner.directions)
    law = COUPLED.process.initial
    np.testing.assert_allclose(start(jnp.asarray(x[0]))[0], law.log_density(jnp.asarray(x[0])))
    assert solution.record["effective_rank"][-1] > solution.record["effective_rank"][0]


def test_growth_changes_neither_u_nor_its_rate_and_draws_particles():
    """Further particles are at the time of the march: those of before have their moments."""
    inner = NETWORK.inner
    inner = eqx.tree_at(lambda net: net.coefficients, inner, jnp.full((2, 8), 0.1))
    process = COUPLED.process
    network = nivp.GaussianFrame.of(inner, process.initial)
    many = nivp.DirectionGrowth(1e-3, particles=100)
    method = nivp.NeuralIVP(
        sampler=DiffusionParticles(3_000), velocity_solver=METHOD.velocity_solver, growth=many
    )
    state = nivp.init(COUPLED, network, method, 0.0, 1.0, KEY)
    moved = process.walk(state.sampler_state.points, 0.0, 0.5, KEY, 50)
    state = dataclasses.replace(
        state,
        t=jnp.asarray(0.5),
        attempts=jnp.asarray(6),
        sampler_state=state.sampler_state._replace(points=moved),
    )
    wide, larger, new, recorders = grown(COUPLED, network, method, state, [])
    assert recorders == [] and wide.inner.num_directions == 4
    x = jnp.array([0.3, -0.4])
    np.testing.assert_allclose(flatten(wide)[1](new.theta)(x), network(x), rtol=1e-13)
    np.testing.assert_array_equal(new.velocity, 0)
    np.testing.assert_allclose(jnp.linalg.norm(wide.inner.directions, axis=1), jnp.ones(4))
    count = many.num_particles(wide)
    points = new.sampler_state.points
    assert larger.sampler.num_points == count == len(points) > 3_000
    assert len(new.sampler_state.held_out) == count // 4
    np.testing.assert_array_equal(points[:3_000], moved)
    for moment in (lambda x: x.mean(axis=0), lambda x: jnp.cov(x.T)):
        np.testing.assert_allclose(moment(points[3_000:]), moment(moved), atol=0.04)


def test_when_directions_are_added():
    def steps(*residuals, rate=1.0):
        return [dict(held_out_residual=r, rhs_norm=rate, accepted=True) for r in residuals]

    growth = nivp.DirectionGrowth(0.02, most=4)
    assert not growth.due(steps(0.03)) and growth.due(steps(0.01, 0.03, 0.03))
    assert not growth.due(steps(0.03, 0.01, 0.03))  # an outlier
    # Relative to the fastest rate so far: near an equilibrium the residual may be all of it.
    assert not growth.due(steps(0.01, rate=10.0) + steps(0.19, 0.19)) and growth.due(
        steps(0.01, rate=10.0) + steps(0.21, 0.21)
    )
    assert growth.allows(NETWORK)
    wide = NETWORK.with_directions(jnp.eye(2)).with_directions(jnp.eye(4, 2))
    assert not growth.allows(wide)
    assert not wants_directions(NETWORK, nivp.default_method(COUPLED, NETWORK), steps(0.001))


def test_an_interrupted_march_resumes_to_the_same_bits(solution, tmp_path):
    def stop(progress):
        if progress.phase == "evolve" and progress.t > 0.1:
            raise KeyboardInterrupt

    path = tmp_path / "coupled.ckpt"
    with pytest.raises(nivp.SolveInterrupted) as stopped:
        nivp.solve(
            COUPLED, NETWORK, METHOD, **OPTIONS, progress=stop, checkpoint=nivp.Checkpoint(path)
        )
    assert stopped.value.solution.template.inner.num_directions == 4
    np.testing.assert_array_equal(nivp.resume(path).parameters, solution.parameters)


def test_an_interruption_while_directions_are_added(solution, tmp_path, monkeypatch):
    """The resumed march adds them at the same step."""
    path = tmp_path / "coupled.ckpt"

    def interrupted(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_march, "grown", interrupted)
        with pytest.raises(nivp.SolveInterrupted):
            nivp.solve(COUPLED, NETWORK, METHOD, **OPTIONS, checkpoint=nivp.Checkpoint(path))
    np.testing.assert_array_equal(nivp.resume(path).parameters, solution.parameters)


def test_a_first_step_that_is_rejected():
    integrator = nivp.AdaptiveStep(dfx.Bosh3(), rtol=1e-3, atol=1e-5, dt0=0.5)
    method = eqx.tree_at(lambda m: m.integrator, METHOD, integrator)
    solution = nivp.solve(COUPLED, NETWORK, method, ts=[0.0, 0.5], key=KEY, throw=False)
    assert not solution.record["accepted"][0] and solution.record["accepted"].any()


def test_few_particles_are_enlarged():
    sampler = DiffusionParticles(60).for_problem(COUPLED)
    state = sampler.init(COUPLED.domain, jnp.float64, KEY)
    _, new = sampler.enlarged(state, 120, (0.0, 0.0), 8, KEY)
    larger = DiffusionParticles(120).for_problem(COUPLED).init(COUPLED.domain, jnp.float64, KEY)
    assert [part.shape for part in new] == [part.shape for part in larger]


def test_a_diffusion_that_is_negative_away_from_the_mean():
    problem = nivp.FokkerPlanck(lambda t, x: -x, lambda t, x: x[0], nivp.Gaussian([1.0], 0.3))
    network = nivp.default_network(problem, num_bumps=6, key=KEY)
    solution = nivp.solve(problem, network, ts=[0.0, 0.1], key=KEY, throw=False)
    assert "diffusion with a negative eigenvalue" in solution.message


def test_pairs_that_repel_need_polynomials_of_high_degree():
    """The rate is a function of x_1 - x_2, narrow, which degrees 3 and 4 do not tell."""
    z = jax.random.normal(KEY, (2_000, 3))
    axis = jnp.array([1.0, -1.0, 0.0]) / jnp.sqrt(2)
    network = nivp.GaussianFrame.of(
        nivp.RidgeSum(3, num_directions=1, num_bumps=6, key=KEY), nivp.Gaussian(np.zeros(3), 1.0)
    )
    rate = jnp.exp(-((z @ axis) ** 2) * 4)
    tried = []

    def measure(candidate):
        tried.append(candidate.inner.directions)
        inner = jnp.max(jnp.abs(candidate.inner.directions @ axis))
        return Misfit(z, rate, 1 - inner)

    found, _, words = first_directions(network, z, rate, measure, lambda net: False, KEY)
    assert float(jnp.max(jnp.abs(found.inner.directions @ axis))) > 0.999
    assert "variable projection" in words


def test_bad_input():
    for arguments in (dict(share=0.0), dict(most=0), dict(particles=1.5)):
        with refused(next(iter(arguments))):
            nivp.DirectionGrowth(**arguments)
    with refused("`growth` needs DiffusionParticles"):
        nivp.NeuralIVP(
            sampler=nivp.Uniform(100), velocity_solver=nivp.RidgeCholesky(), growth=GROWTH
        )
