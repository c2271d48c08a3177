"""Steps against diffrax's own."""

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp

from .helpers import KEY, PROBLEMS, TORUS, Fourier, Grid, refused, small_network

MODES = 3
# Every mode of this problem has a closed form: the parameter ODE is exactly its Galerkin ODE.
PROBLEM = nivp.Problem(
    domain=TORUS,
    initial=lambda x: jnp.sin(x),
    rhs=lambda u, t, x: 0.1 * nivp.laplacian(u)(x) - nivp.partial(u, 0)(x) + jnp.cos(3 * t),
)
NETWORK = Fourier(MODES)


def rate(t, theta, args=None):
    """The Galerkin ODE by hand: k-th pair (s, c) has s' = -0.1 k^2 s + k c, c' = ... - k s."""
    k = jnp.arange(1, MODES + 1)
    s, c = theta[1 : MODES + 1], theta[MODES + 1 :]
    decay = -0.1 * k**2
    return jnp.concatenate([jnp.cos(3 * t)[None], decay * s + k * c, decay * c - k * s])


def method(solver, **options):
    return nivp.NeuralIVP(
        sampler=Grid(16),
        velocity_solver=nivp.LeastSquares(damping=1e-16),
        integrator=nivp.AdaptiveStep(solver, **options),
    )


def exact(theta, t):
    k = np.arange(1, MODES + 1)
    start = theta[1 : MODES + 1] + 1j * theta[MODES + 1 :]
    # s' = d s + k c, c' = d c - k s: z = s + i c turns by exp(-i k t).
    z = start * np.exp((-0.1 * k**2 - 1j * k) * t)
    return np.concatenate([[theta[0] + np.sin(3 * t) / 3], z.real, z.imag])


def test_a_step_whose_norm_overflows_is_tried_again_shorter():
    """1e21 is a number of float32, and its square is not."""
    problem = nivp.Problem(domain=TORUS, initial=lambda x: x, rhs=lambda u, t, x: 1e8 * u(x))
    network = nivp.FourierSeries(TORUS, 1, modes=2, dtype="float32", key=KEY)
    chosen = method(dfx.Bosh3(), dt0=0.1)
    state = nivp.init(problem, network, chosen, 0.0, 1.0, KEY)
    after, record = nivp.step(problem, network, chosen, state, jnp.asarray(1.0))
    assert record.solved and record.norm == np.inf
    assert not record.accepted and 0 < after.dt < state.dt
    assert np.array_equal(after.theta, state.theta)


@pytest.mark.parametrize("solver", [dfx.Bosh3(), dfx.Dopri5()], ids=["bosh3", "dopri5"])
def test_adaptive_steps_equal_those_of_diffrax(solver):
    options = {"rtol": 1e-5, "atol": 1e-7}
    chosen = method(solver, dt0=0.1, error_norm="parameters", **options)
    theta, _ = nivp.networks.flatten(NETWORK)
    oracle = dfx.diffeqsolve(
        dfx.ODETerm(rate),
        solver,
        0.0,
        2.0,
        0.1,
        theta,
        stepsize_controller=dfx.PIDController(pcoeff=0.3, icoeff=0.4, **options),
        saveat=dfx.SaveAt(steps=True),
        max_steps=200,
    )
    state, times = nivp.init(PROBLEM, NETWORK, chosen, 0.0, 2.0, KEY), []
    while state.t < 2.0:
        state, record = nivp.step(PROBLEM, NETWORK, chosen, state, jnp.asarray(2.0))
        if record.accepted:
            times.append(float(record.t1))
    wanted = np.asarray(oracle.ts)[np.isfinite(oracle.ts)]
    assert len(times) == len(wanted)
    # The very last steps differ: one ends at the stop, the other is clipped to it.
    np.testing.assert_allclose(times[:-2], wanted[:-2], rtol=1e-7)
    np.testing.assert_allclose(state.theta, exact(np.asarray(theta), 2.0), atol=1e-3)


def test_diffrax_marches_the_parameter_ode_as_solve_does():
    """Tsit5 there and here: both within the tolerance of the exact solution."""
    problem = nivp.problems.Heat(1, domain=nivp.Torus((2 * np.pi,)), diffusivity=0.1)
    network = nivp.SinusoidalMLP(problem.domain, 1, width=8, depth=1, num_frequencies=2, key=KEY)
    chosen = nivp.NeuralIVP(
        sampler=nivp.QuasiMonteCarlo(60),
        velocity_solver=nivp.LandmarkSubspace(30, damping=1e-10),
        integrator=nivp.AdaptiveStep(dfx.Tsit5(), rtol=1e-5, atol=1e-7),
        fit=(nivp.GaussNewton(tolerance=1e-6),),
    )
    start = nivp.fit(network, problem.initial, domain=problem.domain, key=KEY, stages=chosen.fit)
    term = nivp.parameter_ode(problem, start.network, chosen, key=KEY)
    theta, rebuild = nivp.networks.flatten(start.network)
    controller = dfx.PIDController(rtol=1e-6, atol=1e-8)
    there = dfx.diffeqsolve(
        term, dfx.Tsit5(), 0.0, 1.0, 0.01, theta, stepsize_controller=controller
    )
    here = nivp.solve(problem, start.network, chosen, ts=[0.0, 1.0], key=KEY)
    x = jnp.linspace(-3, 3, 40)[:, None]
    wanted = jax.vmap(lambda x: problem.exact(1.0, x))(x)
    for found in (jax.vmap(rebuild(there.ys[0]))(x), here(1.0, x)):
        np.testing.assert_allclose(found, wanted, atol=1e-4)
    robin = nivp.Problem(
        domain=nivp.Box((0.0,), (1.0,)),
        boundary={"x0-": nivp.Neumann(0.0), "x0+": nivp.Robin(2.0, 1.0)},
        initial=jnp.ones_like,
        rhs=problem.rhs,
    )
    network = nivp.default_network(robin, width=4, depth=1, key=KEY)
    with refused("`relaxation` is missing: the rate .* conditions at x0\\+ are taken back"):
        nivp.parameter_ode(robin, network, chosen, key=KEY)
    term = nivp.parameter_ode(robin, network, chosen, key=KEY, relaxation=10.0)
    theta, _ = nivp.networks.flatten(network)
    assert np.all(np.isfinite(term.vf(0.0, theta, None)))


def test_a_rejected_step_changes_nothing_but_its_size():
    chosen = method(dfx.Tsit5(), rtol=1e-12, atol=1e-14, dt0=1.0)
    state = nivp.init(PROBLEM, NETWORK, chosen, 0.0, 2.0, KEY)
    after, record = nivp.step(PROBLEM, NETWORK, chosen, state, jnp.asarray(2.0))
    assert not record.accepted and record.error > 1
    assert after.t == state.t and jnp.all(after.theta == state.theta) and after.dt < state.dt


def test_stages_share_their_points_and_steps_do_not():
    problem = PROBLEMS["advection_1d"]
    network = small_network(problem)
    chosen = nivp.NeuralIVP(
        sampler=nivp.Uniform(50), velocity_solver=nivp.RidgeCholesky(damping=1e-4)
    )
    state = nivp.init(problem, network, chosen, 0.0, 1.0, KEY)
    one, first = nivp.step(problem, network, chosen, state, jnp.asarray(1.0))
    same, again = nivp.step(problem, network, chosen, state, jnp.asarray(1.0))
    assert jnp.all(one.theta == same.theta) and first.error == again.error
    other = jax.tree.map(lambda x: x, state)
    object.__setattr__(other, "attempts", state.attempts + 1)
    moved, _ = nivp.step(problem, network, chosen, other, jnp.asarray(1.0))
    assert jnp.any(moved.theta != one.theta)


def test_float32_stays_float32_with_64_bit_times():
    problem = PROBLEMS["heat_1d"]
    network = small_network(problem, dtype="float32")
    chosen = nivp.NeuralIVP(
        sampler=nivp.Uniform(50), velocity_solver=nivp.LeastSquares(damping=1e-6)
    )
    state = nivp.init(problem, network, chosen, 0.0, 0.1, KEY)
    state, record = nivp.step(problem, network, chosen, state, jnp.asarray(0.1, jnp.float64))
    assert state.theta.dtype == state.t.dtype == record.error.dtype == jnp.float32
    assert jnp.all(jnp.isfinite(state.theta))


def test_restart_times():
    rule = nivp.PeriodicRestart(every=0.1)
    t, seen = 0.5, []
    for _ in range(5):
        t = rule.next_time(t, 0.5)
        seen.append(t)
    np.testing.assert_allclose(seen, [0.6, 0.7, 0.8, 0.9, 1.0])
    assert nivp.NoRestart().next_time(0.0, 0.0) == np.inf


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nivp.AdaptiveStep(dfx.ImplicitEuler()), "`solver` must be an explicit"),
        (lambda: nivp.AdaptiveStep(rtol=-1.0), "`rtol`"),
        (lambda: nivp.AdaptiveStep(rtol=0.0, atol=0.0), "cannot both be 0"),
        (lambda: nivp.AdaptiveStep(error_norm="u"), "`error_norm`"),
        (lambda: nivp.PeriodicRestart(every=-1.0), "`every`"),
        (lambda: nivp.NeuralIVP(sampler=3, velocity_solver=nivp.RidgeCG()), "`sampler` must be"),
        (
            lambda: nivp.NeuralIVP(sampler=Grid(4), velocity_solver=nivp.RidgeCG(), fit=()),
            "`fit` must be",
        ),
    ],
)
def test_bad_input(make, words):
    with refused(words):
        make()
