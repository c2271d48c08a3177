"""Stiff equations: where explicit steps turn unstable, and that implicit ones do not."""

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp

from .helpers import KEY, TORUS, Fourier, Grid

RATE = 20.0
DECAY = nivp.Problem(domain=TORUS, initial=lambda x: jnp.ones(1), rhs=lambda u, t, x: -RATE * u(x))
HEAT = nivp.Problem(
    domain=TORUS, initial=lambda x: jnp.sin(x), rhs=lambda u, t, x: nivp.laplacian(u)(x)
)

DRIVEN = nivp.Problem(
    domain=TORUS,
    initial=lambda x: jnp.sin(x),
    rhs=lambda u, t, x: nivp.laplacian(u)(x) + jnp.cos(t) * jnp.sin(x),
)


def method(integrator, points=16):
    return nivp.NeuralIVP(
        sampler=Grid(points),
        velocity_solver=nivp.LeastSquares(damping=1e-16),
        integrator=integrator,
    )


def march(problem, network, chosen, count):
    """Amplitudes of the fastest mode after each of `count` fixed steps."""
    state = nivp.init(problem, network, chosen, 0.0, 1e3, KEY)
    modes = network.modes
    sizes = [float(jnp.hypot(state.theta[modes], state.theta[2 * modes]))]
    for _ in range(count):
        state, record = nivp.step(problem, network, chosen, state, 1e3)
        assert record.accepted
        sizes.append(float(jnp.hypot(state.theta[modes], state.theta[2 * modes])))
    return sizes


def eigenvalues(problem, modes):
    """Of the Galerkin equation in 1, sin kx, cos kx."""
    k = np.concatenate([[0], np.arange(1, modes + 1), np.arange(1, modes + 1)])
    return -RATE * np.ones(2 * modes + 1) if problem is DECAY else -(k.astype(float) ** 2)


@pytest.mark.parametrize("problem", [DECAY, HEAT], ids=["decay", "heat"])
@pytest.mark.parametrize("over", [0.98, 1.02])
def test_forward_euler_turns_unstable_past_two_over_lambda(problem, over):
    network = Fourier(4)
    limit = 2 / np.abs(eigenvalues(problem, 4)).max()
    sizes = march(problem, network, method(nivp.ConstantStep(dfx.Euler(), dt=over * limit)), 60)
    # |1 - dt |lambda|| a step, exactly.
    np.testing.assert_allclose(sizes[-1] / sizes[0], abs(1 - 2 * over) ** 60, rtol=1e-6)
    assert (sizes[-1] > 2 * sizes[0]) == (over > 1)


@pytest.mark.parametrize("scheme", [nivp.BackwardEuler(), nivp.SDIRK2(), nivp.SDIRK4()])
@pytest.mark.parametrize("problem", [DECAY, HEAT], ids=["decay", "heat"])
def test_implicit_steps_do_not(problem, scheme):
    limit = 2 / np.abs(eigenvalues(problem, 4)).max()
    chosen = method(nivp.ConstantStep(scheme, dt=50 * limit))
    sizes = march(problem, Fourier(4), chosen, 4)
    assert np.all(np.diff(sizes) < 0)


@pytest.mark.parametrize("problem", [DECAY, HEAT], ids=["decay", "heat"])
def test_stiffness_finds_the_eigenvalues(problem):
    chosen = method(nivp.AdaptiveStep())
    found = nivp.jacobian_spectrum(problem, Fourier(4), chosen, 0.0, key=KEY, num_products=9)
    wanted = eigenvalues(problem, 4)
    assert abs(found[0] - wanted.min()) < 1e-6 * abs(wanted.min())
    limit = nivp.max_stable_step(dfx.Euler(), found)
    np.testing.assert_allclose(limit, 2 / abs(wanted.min()), rtol=1e-6)


def test_stiffness_agrees_with_the_dense_jacobian_of_the_velocity():
    """On a network that is not linear, with the velocity by numpy's least squares."""
    network = nivp.SinusoidalMLP(TORUS, 1, width=4, depth=1, num_frequencies=1, key=KEY)
    theta, rebuild = nivp.networks.flatten(network)
    x = np.linspace(0, 2 * np.pi, 40, endpoint=False)[:, None]

    def velocity(theta):
        u = rebuild(theta)
        J = jax.vmap(lambda x: jax.jacrev(lambda p: rebuild(p)(x)[0])(theta))(x)
        f = jax.vmap(lambda x: nivp.laplacian(u)(x)[0])(jnp.asarray(x))
        gram = J.T @ J / len(x)
        return jnp.linalg.solve(gram + 1e-4 * jnp.eye(theta.size), J.T @ f / len(x))

    wanted = np.linalg.eigvals(np.asarray(jax.jacfwd(velocity)(theta)))
    chosen = nivp.NeuralIVP(
        sampler=Grid(40),
        velocity_solver=nivp.RidgeCholesky(damping=nivp.Damping(1e-4, relative=False)),
    )
    found = nivp.jacobian_spectrum(HEAT, network, chosen, 0.0, key=KEY, num_products=theta.size)
    np.testing.assert_allclose(abs(found[0]), np.abs(wanted).max(), rtol=1e-6)


@pytest.mark.parametrize(
    ("solver", "real"), [(dfx.Heun(), 2.0), (dfx.Bosh3(), 2.5127), (dfx.Dopri5(), 3.3066)]
)
def test_explicit_limits_on_the_real_axis(solver, real):
    """The known stability intervals (Hairer & Wanner, IV.2)."""
    assert abs(nivp.max_stable_step(solver, np.array([-1.0 + 0j])) - real) < 1e-3
    assert nivp.max_stable_step(solver, np.array([1.0 + 0j])) == np.inf


def test_the_explicit_step_shrinks_with_the_modes_and_the_implicit_does_not():
    def longest(solver, modes):
        """A typical step once the start is forgotten and u follows a slow source."""
        chosen = method(nivp.AdaptiveStep(solver, rtol=1e-2, atol=1e-3), points=4 * modes)
        state = nivp.init(DRIVEN, Fourier(modes), chosen, 0.0, 1e3, KEY)
        steps = []
        for _ in range(60):
            state, record = nivp.step(DRIVEN, Fourier(modes), chosen, state, 1e3)
            steps.append(float(record.t1 - record.t0))
        return np.median(steps[-20:])

    explicit = [longest(dfx.Heun(), modes) for modes in (4, 8, 16)]
    slope = np.polyfit(np.log([4, 8, 16]), np.log(explicit), 1)[0]
    assert abs(slope + 2) < 0.3
    implicit = [longest(nivp.SDIRK2(), modes) for modes in (4, 16)]
    assert implicit[1] > 0.9 * implicit[0]
    assert implicit[1] > 10 * explicit[2]


def test_the_record_sees_the_fastest_mode():
    chosen = method(nivp.AdaptiveStep(dfx.Dopri5(), rtol=1e-2, atol=1e-3))
    state, seen = nivp.init(HEAT, Fourier(4), chosen, 0.0, 10.0, KEY), []
    for _ in range(40):
        state, record = nivp.step(HEAT, Fourier(4), chosen, state, 10.0)
        seen.append(float(record.stiffness))
    assert abs(np.median(seen[-20:]) - 16) < 3
