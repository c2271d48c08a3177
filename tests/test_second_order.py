"""Problems of second order in time: the least squares of the acceleration, marches, conditions."""

import dataclasses
import math
import re
import warnings
from collections.abc import Callable

import diffrax as dfx
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import scipy.special

import neural_ivp as nivp
from neural_ivp.evolution._fit import _velocity_of
from neural_ivp.networks import flatten
from neural_ivp.solve._form import warn_of_form

from .helpers import KEY, TORUS, Fourier, Grid, refused, sampled
from .test_checkpoint import assert_same

BOX = nivp.Box((0.0,), (1.0,))


def klein_gordon(**options):
    """cos(x) cos(sqrt(2) t)."""

    def reference(t, points):
        x, w = points[:, 0], np.sqrt(2)
        return np.stack([np.cos(x) * np.cos(w * t), -w * np.cos(x) * np.sin(w * t)], axis=1)

    def energy(w, x):
        slope = jax.grad(lambda x: w(x)[0])(x)[0]
        return (w(x)[1] ** 2 + slope**2 + w(x)[0] ** 2) / 2

    given = dict(
        domain=TORUS,
        initial=lambda x: jnp.cos(x),
        initial_velocity=lambda x: 0 * x,
        acceleration=lambda u, v, t, x: nivp.laplacian(u)(x) - u(x),
        reference=reference,
        invariants={"energy": energy},
    )
    return nivp.SecondOrderProblem(**(given | options))


def tower(problem, **options):
    sizes = dict(width=8, depth=2, num_frequencies=2, activation="tanh")
    return nivp.SinusoidalMLP(problem.domain, 1, **sizes, key=KEY, **options)


def moving(network, seed=3):
    """The network with a random velocity."""
    pair = nivp.WithVelocity(network)
    return pair.moving(0.3 * jax.random.normal(jax.random.key(seed), pair.velocity.shape))


PROBLEM = klein_gordon()
NETWORK = tower(PROBLEM)
METHOD = nivp.NeuralIVP(
    sampler=nivp.ImportanceSampling(80, oversampling=4),
    velocity_solver=nivp.LandmarkSubspace(50, num_landmarks=60, damping=1e-12),
    integrator=nivp.AdaptiveStep(dfx.Dopri8(), rtol=1e-5, atol=1e-7),
    fit=(nivp.GaussNewton(tolerance=1e-5, sampler=nivp.Uniform(200)),),
)


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


def test_an_absorbing_face_whose_waves_run_inwards_is_refused():
    problem = nivp.SecondOrderProblem(
        domain=BOX,
        boundary=nivp.Absorbing(lambda t, x: 1 - 2 * t),
        initial=lambda x: jnp.exp(-20 * x**2),
        initial_velocity=jnp.zeros_like,
        acceleration=lambda u, v, t, x: nivp.laplacian(u)(x),
    )
    with refused("the speed of Absorbing at 'x0.' must be positive, got -1 at t = 1"):
        nivp.solve(problem, ts=[0.0, 1.0], key=KEY)


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


class Chebyshev(nivp.networks.AbstractNetwork):
    """Chebyshev polynomials of 2 s(x) - 1 with trainable weights: linear in its parameters."""

    weights: jax.Array
    coordinate: Callable = eqx.field(static=True)

    @property
    def trainable(self):
        return self.weights

    @property
    def head(self):
        return self.weights

    def __call__(self, x):
        s = 2 * self.coordinate(x) - 1
        values = [jnp.ones_like(s), s]
        while len(values) < self.weights.shape[1]:
            values.append(2 * s * values[-1] - values[-2])
        return self.weights @ jnp.stack(values)

    def reinitialised(self, key):
        return Chebyshev(jax.random.normal(key, self.weights.shape), self.coordinate)


def bessel(square):
    """J_0 of a root, by its power series."""
    return sum((-square / 4) ** k * (1 / math.factorial(k) ** 2) for k in range(14))


ROOT = scipy.optimize.brentq(lambda k: k * np.cos(k) + np.sin(k), 1.6, 3.1)
ZERO = scipy.special.jn_zeros(0, 1)[0]
# Domain, conditions, the lowest mode, its frequency, the coordinate of the polynomials, rtol.
MODES = {
    "a fixed and an elastic end": (
        BOX,
        {"x0-": nivp.Dirichlet(0.0), "x0+": nivp.Robin(1.0, 1.0)},
        lambda x: jnp.sin(ROOT * x),
        ROOT,
        lambda x: x[0],
        1e-4,
    ),
    "a drum": (
        nivp.Ball((0.0, 0.0), 1.0),
        nivp.Dirichlet(0.0),
        lambda x: bessel(ZERO**2 * jnp.sum(x**2))[None],
        ZERO,
        lambda x: jnp.sum(x**2),
        1e-3,
    ),
}


@pytest.mark.parametrize("name", MODES)
def test_the_lowest_mode(name):
    """mode(x) cos(w t) for a quarter of a period, by a network that is linear in its weights."""
    domain, boundary, mode, w, coordinate, rtol = MODES[name]
    problem = klein_gordon(
        domain=domain,
        boundary=boundary,
        initial=mode,
        initial_velocity=lambda x: 0 * mode(x),
        acceleration=lambda u, v, t, x: nivp.laplacian(u)(x),
        reference=None,
        invariants={},
        time_scale=1 / w,
    )
    method = nivp.NeuralIVP(
        sampler=nivp.Uniform(100),
        velocity_solver=nivp.LeastSquares(damping=1e-16),
        integrator=nivp.AdaptiveStep(dfx.Tsit5(), rtol=rtol, atol=rtol / 100),
        fit=(nivp.LastLayer(num_points=200),),
    )
    network = Chebyshev(jnp.zeros((1, 6)), coordinate)
    t = np.pi / w / 2
    solution = nivp.solve(problem, network, method, ts=[0.0, t / 2, t], key=KEY)
    x = jnp.asarray(domain.low_discrepancy_points(200), float)
    wanted = np.asarray(jax.vmap(mode)(x))
    for time in (t / 2, t):
        u, v = np.split(np.asarray(solution(time, x)), 2, axis=1)
        miss = np.hypot(u - wanted * np.cos(w * time), v / w + wanted * np.sin(w * time))
        assert np.linalg.norm(miss) < 10 * rtol * np.linalg.norm(wanted)


def test_a_pair_is_told_of_this_form():
    pair = nivp.Problem(
        domain=TORUS,
        initial=PROBLEM.initial,
        rhs=lambda u, t, x: jnp.stack([u(x)[1], nivp.laplacian(u)(x)[0]]),
    )
    one_step = nivp.NeuralIVP(
        sampler=nivp.Uniform(20),
        velocity_solver=nivp.RidgeDual(),
        integrator=nivp.ConstantStep(dfx.Euler(), dt=1e-3),
        fit=(nivp.LastLayer(num_points=50),),
    )
    with pytest.warns(nivp.FormWarning, match="SecondOrderProblem"):
        nivp.solve(pair, None, one_step, ts=[0.0, 1e-3], key=KEY, throw=False)


def wave(u, x):
    return nivp.laplacian(u)(x)


PAIRS = {
    "v first": (lambda u, t, x: jnp.stack([wave(u, x)[1], u(x)[0]]), "second half .* is the first"),
    "scaled": (lambda u, t, x: jnp.stack([3 * u(x)[1], wave(u, x)[0]]), "first .* is 3 times the"),
    "both": (lambda u, t, x: jnp.stack([wave(u, x)[1], -u(x)[0] / 4]), "is -0.25 times the first"),
    "two waves": (
        lambda u, t, x: jnp.concatenate([jnp.array([2.0, 5.0]) * u(x)[2:], wave(u, x)[:2]]),
        "is 2, 5 times",
    ),
    "moving factor": (lambda u, t, x: jnp.stack([(1 + t) * u(x)[1], wave(u, x)[0]]), None),
    "factor in space": (lambda u, t, x: jnp.stack([(2 + x[0]) * u(x)[1], wave(u, x)[0]]), None),
    "no velocity": (lambda u, t, x: jnp.stack([0 * u(x)[1], wave(u, x)[0]]), None),
    "a product of decay": (lambda u, t, x: jnp.stack([wave(u, x)[0] - u(x)[0], u(x)[0]]), None),
}


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_in_other_forms(name):
    rhs, words = PAIRS[name]
    c = 4 if name == "two waves" else 2
    pair = nivp.Problem(domain=TORUS, initial=lambda x: jnp.cos(x[0]) * jnp.ones(c), rhs=rhs)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_form(pair, NETWORK)
    assert [w.category for w in caught] == ([] if words is None else [nivp.FormWarning])
    assert words is None or re.search(words, str(caught[0].message))


def test_parts_on_their_own():
    """One solve, the default method for a network of u, a start that hardly moves."""
    points = nivp.WeightedPoints.equal(jnp.linspace(0, 6, 30)[:, None])
    J, f = nivp.velocity_problem(PROBLEM, moving(NETWORK), 0.0, points)
    velocity = nivp.solve_velocity(nivp.RidgeDual(), J, f, key=KEY, held_out=(J, f))
    p = flatten(NETWORK)[0].size
    assert np.array_equal(velocity.value[:p], J.velocity)
    info = velocity.info
    np.testing.assert_allclose(info.held_out_residual, info.projection_residual, rtol=1e-6)
    inner, pair = (
        nivp.default_method(PROBLEM, network).velocity_solver.damping
        for network in (NETWORK, nivp.WithVelocity(NETWORK))
    )
    assert inner == pair == pytest.approx(1e-12)
    slow = klein_gordon(initial_velocity=lambda x: 1e-9 * jnp.cos(x), invariants={})
    network = nivp.WithVelocity(NETWORK).moving(1e-9 * jnp.ones(p))
    assert nivp.init(slow, network, METHOD, 0.0, 1.0, KEY).dt > 1e-4


def test_an_initial_velocity_that_is_not_finite_is_refused_before_the_fit():
    problem = klein_gordon(initial_velocity=lambda x: jnp.where(x > 3, jnp.nan, x), invariants={})
    fits = []
    with refused("`initial_velocity` is not finite at .* first at x = "):
        nivp.solve(problem, NETWORK, METHOD, ts=[0.0, 1.0], key=KEY, progress=fits.append)
    assert all(report.compiling for report in fits)


def test_a_network_of_u_alone_is_no_state():
    words = r"`network` has 1 component\(s\), those of u alone.*wrap it as `WithVelocity"
    points = nivp.WeightedPoints.equal(jnp.linspace(0, 6, 30)[:, None])
    with refused(words):
        nivp.init(PROBLEM, NETWORK, METHOD, 0.0, 1.0, KEY)
    with refused(words):
        nivp.velocity_problem(PROBLEM, NETWORK, 0.0, points)
    with refused(words):
        nivp.parameter_ode(PROBLEM, NETWORK, METHOD, key=KEY)


def test_bad_input():
    with refused("`boundary` is Absorbing at 'x0.'"):
        nivp.Problem(
            domain=BOX, boundary=nivp.Absorbing(1.0), initial=lambda x: x, rhs=lambda u, t, x: u(x)
        )
    with refused("`norm.scales`"):
        klein_gordon(norm=nivp.L2((1.0,)))
    with refused("`speed`"):
        nivp.problems.Wave(1, speed=lambda x: 0.5 + x[0])
    with refused("`initial_velocity` has 2 component"):
        klein_gordon(initial_velocity=lambda x: jnp.zeros(2))
    with refused("the value of `acceleration` has shape"):
        klein_gordon(acceleration=lambda u, v, t, x: jnp.zeros(2))
    with refused("`time_scale`"):
        klein_gordon(time_scale=0.0)
    with refused("`a` and `b` of Robin at 'x0.' must be numbers"):
        robin = nivp.Robin(lambda t, x: 1 + t, 1.0)
        klein_gordon(domain=BOX, boundary=robin, invariants={})
    with refused("`speed` must be positive"):
        nivp.Absorbing(-1.0)
    with refused("`acceleration` is complex: make real and imaginary part two components"):
        klein_gordon(acceleration=lambda u, v, t, x: 1j * u(x))
    with refused("`initial_velocity` is complex"):
        klein_gordon(initial_velocity=lambda x: 1j * x)
    with refused(r"`acceleration` must be a function of \(u, v, t, x\), got one of \(u, t, x\)"):
        klein_gordon(acceleration=lambda u, t, x: nivp.laplacian(u)(x))
    with refused(r"`initial_velocity` must be a function of \(x\), got one of \(t, x\)"):
        klein_gordon(initial_velocity=lambda t, x: x)
    for boundary, words in (
        (None, "is missing"),
        ({"x0-": nivp.Free()}, "has no condition at x0."),
    ):
        with refused(f"`boundary` {words}.*`Neumann.*`Absorbing.speed.`"):
            klein_gordon(domain=BOX, boundary=boundary)
    stiff = nivp.NeuralIVP(
        sampler=METHOD.sampler,
        velocity_solver=METHOD.velocity_solver,
        integrator=nivp.AdaptiveStep(nivp.Rodas4()),
    )
    with refused("an explicit one"):
        nivp.solve(PROBLEM, NETWORK, stiff, ts=[0.0, 1.0], key=KEY)
    first = nivp.Problem(domain=TORUS, initial=lambda x: jnp.cos(x), rhs=lambda u, t, x: u(x))
    with refused("`network`"):
        nivp.solve(first, nivp.WithVelocity(NETWORK), METHOD, ts=[0.0, 1.0], key=KEY)
