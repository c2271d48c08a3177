"""Problems of second order in time: the least squares of the acceleration, marches, conditions."""

import dataclasses

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.evolution._fit import _velocity_of
from neural_ivp.networks import flatten

from .helpers import KEY, TORUS, Fourier, Grid, sampled
from .second_order import BOX, METHOD, NETWORK, PROBLEM, klein_gordon, moving, tower
from .test_checkpoint import assert_same


@pytest.fixture(scope="module")
def solution():
    return nivp.solve(PROBLEM, NETWORK, METHOD, ts=np.linspace(0, 1, 3), key=KEY)


BOUNDARIES = {
    "circle": (TORUS, None),
    "moving values": (BOX, nivp.Dirichlet(lambda t, x: jnp.sin(3 * t) * (1 + x[0]))),
    "weak": (BOX, {"x0-": nivp.Robin(1.0, 2.0), "x0+": nivp.Absorbing(0.7)}),
}


@pytest.mark.parametrize("name", BOUNDARIES)
def test_least_squares_of_the_acceleration(name):
    """J, and u_tt minus w . (d^2 u / dtheta^2) . w minus that of the lift, by dense derivatives."""
    domain, boundary = BOUNDARIES[name]
    problem = klein_gordon(domain=domain, boundary=boundary, invariants={}, time_scale=0.5)
    pair, t = moving(tower(problem)), jnp.asarray(0.3)
    sample = sampled(problem, pair, 20)
    lin, f = nivp.velocity_problem(problem, pair, t, sample)
    trial = nivp.trials.trial_for(problem, pair)
    theta, rebuild = flatten(pair.inner)

    def u(theta, t, x):
        return trial.field(nivp.WithVelocity(rebuild(theta)), t)(x)[:1]

    def both(x):
        value, rate = jax.jvp(lambda th, t: u(th, t, x), (theta, t), (pair.velocity, 1.0))
        return jnp.concatenate([value, rate])

    def dense(x):
        hessian = jax.hessian(u)(theta, t, x)[0]
        curvature = pair.velocity @ hessian @ pair.velocity
        lift = jax.jvp(lambda t: jax.jvp(lambda t: u(theta, t, x), (t,), (1.0,))[1], (t,), (1.0,))
        acceleration = problem.rhs(both, t, x)[1]
        return jax.jacobian(u)(theta, t, x)[0], acceleration - curvature - lift[1][0]

    rows, target = jax.vmap(dense)(sample.points)
    rates = 2.0  # u_t in units of 1 / time_scale
    np.testing.assert_allclose(lin.position.jacobian()[:, 0], rows / rates, atol=1e-12)
    np.testing.assert_allclose(f[:, 0], target / rates, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(
        jax.vmap(trial.field(pair, t))(sample.points), jax.vmap(both)(sample.points), atol=1e-12
    )


def test_a_solution_and_its_velocity(solution):
    errors = solution.error()
    # What the tolerances of all steps add up to.
    allowed = 1e-5 * np.sum(solution.record["accepted"])
    assert errors.overall < allowed and solution.fits[0]["relative_l2_error"] < 3e-5
    x = jnp.linspace(0, 6, 7)[:, None]
    for t in (0.2, 0.5, 0.83):
        h = 1e-4
        slope = (solution(t + h, x)[:, 0] - solution(t - h, x)[:, 0]) / (2 * h)
        np.testing.assert_allclose(slope, solution(t, x)[:, 1], atol=3e-4)
    energy = solution.record["invariants"][solution.record["accepted"], 0]
    assert np.ptp(energy) < 2 * allowed * energy[0]  # of a square
    assert solution.problem.component_names == ("u", "u_t")
    assert "successful" in solution.report() or solution.report()


def test_two_fields_that_are_coupled():
    """Their sum and difference are waves of the frequencies 1 and sqrt(1 + 2 k)."""
    k, fast = 1.5, 2.0
    problem = nivp.SecondOrderProblem(
        domain=TORUS,
        initial=lambda x: jnp.concatenate([jnp.cos(x), 0 * x]),
        initial_velocity=lambda x: jnp.zeros(2),
        acceleration=lambda u, v, t, x: nivp.laplacian(u)(x) - k * (u(x) - u(x)[::-1]),
    )
    network = nivp.SinusoidalMLP(
        TORUS, 2, width=8, depth=2, num_frequencies=2, activation="tanh", key=KEY
    )
    solution = nivp.solve(problem, network, METHOD, ts=[0.0, 0.4], key=KEY)
    x, both = np.linspace(0, 6, 7), np.cos([0.4, fast * 0.4])
    wanted = np.cos(x)[:, None] * np.array([both.sum(), both[0] - both[1]]) / 2
    np.testing.assert_allclose(solution(0.4, x[:, None])[:, :2], wanted, atol=1e-3)


def test_files(solution, tmp_path):
    path = tmp_path / "wave.nivp"
    solution.save(path)
    again = nivp.load(path, problem=PROBLEM)
    x = jnp.linspace(0, 6, 5)[:, None]
    assert np.array_equal(again(0.4, x), solution(0.4, x))
    march = tmp_path / "march.nivp"
    stop = nivp.Checkpoint(march, 2)
    nivp.solve(PROBLEM, NETWORK, METHOD, ts=np.linspace(0, 1, 3), key=KEY, checkpoint=stop)
    assert_same(nivp.resume(march, problem=PROBLEM), solution)


def test_a_restart_keeps_the_velocity():
    method = nivp.NeuralIVP(
        sampler=METHOD.sampler,
        velocity_solver=METHOD.velocity_solver,
        integrator=METHOD.integrator,
        fit=METHOD.fit,
        restart=nivp.PeriodicRestart(0.3),
        refit=nivp.Refit(keep=0.9, tolerance=1e-3),
    )
    solution = nivp.solve(PROBLEM, NETWORK, method, ts=[0.0, 0.6], key=KEY)
    assert len(solution.fits) == 2 and not solution.fits[1]["refused"]
    assert solution.error().overall < 1e-3


def test_the_initial_velocity_is_as_accurate_in_float32():
    problem = klein_gordon(initial_velocity=lambda x: jnp.sin(2 * x))

    def misfit(dtype):
        pair = nivp.WithVelocity(tower(problem, dtype=dtype))
        x = jnp.linspace(0, 6, 200, dtype=dtype)[:, None]
        time = jnp.zeros((), dtype)
        pair = pair.moving(_velocity_of(pair, problem.initial, problem, time, KEY))
        return float(jnp.max(jnp.abs(jax.vmap(pair)(x)[:, 1] - jnp.sin(2 * x[:, 0]))))

    assert misfit("float64") < 1e-5 and misfit("float32") < 2e-5


def test_the_shortest_velocity_of_the_parameters():
    """A part in the null space of J goes, and u_t stays."""
    pair = moving(NETWORK)
    theta, rebuild = flatten(pair)
    p = pair.velocity.size
    sample = sampled(PROBLEM, pair, 40)
    method = nivp.NeuralIVP(sampler=nivp.Uniform(40), velocity_solver=nivp.RidgeDual(damping=1e-13))
    ramp = jnp.zeros(()), jnp.ones(())
    equation = nivp.evolution.step_equation(
        PROBLEM, pair, method, sample, KEY, jnp.asarray(0.1), ramp
    ).at_chosen_points(theta, jnp.zeros(()))
    short = equation.shortened(theta, jnp.zeros(()))
    assert np.array_equal(short[:p], theta[:p])
    x = sample.points
    before, after = jax.vmap(pair)(x)[:, 1], jax.vmap(rebuild(short))(x)[:, 1]
    np.testing.assert_allclose(after, before, atol=1e-5)
    rows = jax.vmap(lambda x: jax.jacobian(lambda theta: rebuild(theta)(x)[0])(theta))
    jacobian = np.asarray(rows(x))
    dense = np.linalg.lstsq(jacobian[:, :p], np.asarray(before), rcond=1e-7)[0]
    assert np.linalg.norm(short[p:]) < 1.01 * np.linalg.norm(dense) < np.linalg.norm(theta[p:])


@pytest.mark.parametrize(
    ("solver", "order", "count"), [(dfx.Heun(), 2, 32), (dfx.Tsit5(), 5, 16), (dfx.Dopri8(), 8, 2)]
)
def test_order_is_the_slope(solver, order, count):
    """For a network that is linear in its parameters: u_tt = -2 u mode by mode."""
    problem = klein_gordon(
        acceleration=lambda u, v, t, x: nivp.laplacian(u)(x) - u(x), invariants={}, reference=None
    )
    method = nivp.NeuralIVP(
        sampler=Grid(32),
        velocity_solver=nivp.LeastSquares(damping=1e-16),
        integrator=nivp.ConstantStep(solver, dt=1.0),
    )
    pair = moving(Fourier(1))
    x, w = jnp.linspace(0, 2 * np.pi, 16, endpoint=False)[:, None], np.sqrt([1.0, 2.0, 2.0])

    def exact(weights, rate):
        return weights * np.cos(w) + rate / w * np.sin(w)

    wanted = exact(np.ravel(pair.inner.weights), np.asarray(pair.velocity))
    basis = np.stack([np.ones(16), np.sin(x[:, 0]), np.cos(x[:, 0])], axis=1)
    errors = []
    for n in (count, 2 * count):
        state = nivp.init(problem, pair, method, 0.0, 1.0, KEY)
        for k in range(n):
            state = dataclasses.replace(state, dt=jnp.asarray(1 / n))
            state, _ = nivp.step(problem, pair, method, state, (k + 1) / n)
        u = jax.vmap(flatten(pair)[1](state.theta))(x)[:, 0]
        errors.append(np.linalg.norm(u - basis @ wanted))
    # Of order eight the leading error cancels for oscillations.
    slope = np.log2(errors[0] / errors[1])
    assert order - 0.35 < slope < order + (2 if order == 8 else 0.35), errors


def test_waves_leave_through_an_absorbing_face():
    """A pulse that moves right: at the end nearly nothing is left of it."""
    problem = nivp.SecondOrderProblem(
        domain=nivp.Box((-1.0,), (1.0,)),
        boundary=nivp.Absorbing(1.0),
        initial=lambda x: jnp.exp(-20 * x**2),
        initial_velocity=lambda x: 40 * x * jnp.exp(-20 * x**2),
        acceleration=lambda u, v, t, x: nivp.laplacian(u)(x),
        time_scale=0.2,
    )
    network = nivp.SinusoidalMLP(
        problem.domain, 1, width=12, depth=2, num_frequencies=2, activation="tanh", key=KEY
    )
    method = nivp.NeuralIVP(
        sampler=nivp.ImportanceSampling(120, oversampling=4),
        velocity_solver=nivp.LandmarkSubspace(60, num_landmarks=60, damping=1e-9),
        integrator=nivp.AdaptiveStep(dfx.Tsit5(), rtol=1e-4, atol=1e-6),
        fit=(nivp.GaussNewton(steps=100, sampler=nivp.Uniform(200)),),
    )
    x = jnp.linspace(-1, 1, 41)[:, None]
    solution = nivp.solve(problem, network, method, ts=[0.0, 0.5, 1.5], key=KEY)
    moved = np.exp(-20 * (x[:, 0] - 0.5) ** 2)
    np.testing.assert_allclose(solution(0.5, x)[:, 0], moved, atol=0.01)
    assert np.max(np.abs(solution(1.5, x)[:, 0])) < 0.03
