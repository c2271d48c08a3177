"""The Rosenbrock scheme: its derivative by automatic differentiation, its stability, its limits."""

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.linalg import cho_solve

import neural_ivp as nivp
from neural_ivp.defaults import differential_order
from neural_ivp.evolution import step_equation
from neural_ivp.evolution.schemes import _rosenbrock
from neural_ivp.linear import root_weights
from neural_ivp.networks import flatten
from neural_ivp.trials import trial_for

from .helpers import KEY, TORUS, refused, small_network


def third_derivative(u, x):
    return jax.jvp(lambda x: nivp.laplacian(u)(x), (x,), (jnp.ones_like(x),))[1]


LINE = nivp.Box((0.0,), (1.0,))
PROBLEMS = {
    # Name: (problem, order of the derivatives in L[u]).
    "reaction": (
        nivp.Problem(domain=TORUS, initial=jnp.sin, rhs=lambda u, t, x: u(x) - u(x) ** 3),
        0,
    ),
    "burgers": (nivp.problems.BurgersSine(), 2),
    "dispersion": (
        nivp.Problem(
            domain=TORUS,
            initial=jnp.sin,
            rhs=lambda u, t, x: -third_derivative(u, x) - (1 + t) * u(x) * nivp.partial(u, 0)(x),
        ),
        3,
    ),
    "phases": (nivp.problems.CahnHilliard(), 4),
    "system": (nivp.problems.Schroedinger(), 2),
    "disc": (
        nivp.Problem(
            domain=nivp.Ball((0.0, 0.0), 1.0),
            boundary=nivp.Dirichlet(lambda t, x: t * x[0]),
            initial=lambda x: (1 - x @ x)[None],
            rhs=lambda u, t, x: nivp.divergence(lambda x: u(x)[0] * nivp.grad(u)(x)[0])(x)[None],
        ),
        2,
    ),
    "robin": (
        nivp.Problem(
            domain=LINE,
            boundary={"x0-": nivp.Neumann(0.0), "x0+": nivp.Robin(2.0, 1.0)},
            initial=lambda x: 1 - x**2 / 2,
            rhs=lambda u, t, x: nivp.laplacian(u)(x),
        ),
        2,
    ),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_order_of_the_derivatives(name):
    problem, order = PROBLEMS[name]
    assert differential_order(problem) == order


@pytest.mark.parametrize("name", ["dispersion", "phases", "system", "disc", "robin"])
def test_the_derivative_of_the_velocity_is_exact(name):
    """In the coordinates of the subspace and in time, against forward differentiation of it all."""
    problem, order = PROBLEMS[name]
    network = small_network(problem)
    method = nivp.NeuralIVP(
        sampler=nivp.QuasiMonteCarlo(30),
        velocity_solver=nivp.LandmarkSubspace(8, damping=1e-6, block=4),
    )
    t, (theta, _) = jnp.asarray(0.3), flatten(network)
    field = trial_for(problem, network).field(network, t)
    state = method.sampler.init(problem.domain, theta.dtype, KEY)
    sample, _ = method.sampler.draw(state, problem.domain, field, KEY)
    one = jnp.asarray(1.0)
    equation = step_equation(problem, network, method, sample, KEY, one, (0 * one, one))

    @jax.jit
    def both():
        start, f = equation.velocity_problem(theta, t)
        subspace = equation.setup(start, 0 * theta).state

        def velocity(y, t):
            there = equation.velocity_problem(theta + subspace.expand(y), t)
            return subspace.solve(*there)[0]

        zero = jnp.zeros(8)
        rows, y0 = subspace.rows(start), velocity(zero, t)
        scale = root_weights(start)

        def without_curvature(y, t):
            there, f = equation.velocity_problem(theta + subspace.expand(y), t)
            misfit = scale * jnp.ravel(f) - subspace.rows(there) @ y0
            return cho_solve(subspace.factor(rows), rows.T @ misfit)

        found = _rosenbrock._derivatives(
            equation, theta, t, start, f, velocity(zero, t), subspace, order
        )
        wanted = velocity if problem.domain.dimension == 1 else without_curvature
        return found, jax.jacfwd(wanted, argnums=(0, 1))(zero, t)

    for found, wanted in zip(*both(), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-7 * max(np.max(np.abs(wanted)), 1e-3))


def test_steps_outgrow_the_limit_of_explicit_ones():
    """u changes at a rate of 1; explicit steps must resolve modes that decay at 1 600."""
    problem = nivp.Problem(
        domain=TORUS,
        initial=lambda x: 2 + jnp.sin(x),
        rhs=lambda u, t, x: 100 * nivp.laplacian(u)(x) + 99 * jnp.exp(-t) * jnp.sin(x),
    )
    network = nivp.SinusoidalMLP(TORUS, 1, width=8, depth=1, num_frequencies=2, key=KEY)
    method = nivp.NeuralIVP(
        sampler=nivp.QuasiMonteCarlo(100),
        velocity_solver=nivp.LandmarkSubspace(50, damping=1e-8),
        integrator=nivp.AdaptiveStep(nivp.Rodas4(), rtol=1e-3),
        fit=(nivp.GaussNewton(steps=50),),
    )
    solution = nivp.solve(problem, network, method, ts=[0.0, 1.0], key=KEY)
    x = np.linspace(0, 2 * np.pi, 50)[:, None]
    wanted = 2 + np.exp(-1) * np.sin(x)
    np.testing.assert_allclose(solution(1.0, x), wanted, atol=1e-2)
    record = solution.record
    assert np.max(record["t1"] - record["t0"]) > 5 * nivp.max_stable_step(dfx.Tsit5(), [-1600.0])


def test_bad_input():
    with refused("`derivatives` must be an integer of at least 0"):
        nivp.Rodas4(-1)
    with refused("`velocity_solver` must be a LandmarkSubspace for Rodas4, got RidgeDual"):
        nivp.NeuralIVP(
            sampler=nivp.Uniform(10),
            velocity_solver=nivp.RidgeDual(),
            integrator=nivp.AdaptiveStep(nivp.Rodas4()),
        )
