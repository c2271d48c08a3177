"""The order of every scheme, in u, on a network that is linear in its parameters and on one that
is not."""

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp

from .helpers import KEY, TORUS, Fourier, Grid

X = jnp.linspace(0, 2 * np.pi, 32, endpoint=False)[:, None]
# L[u] lies in the tangent space of every network, so that the scheme alone makes the error; u
# itself does not move on a straight line there.
PROBLEM = nivp.Problem(
    domain=TORUS,
    initial=lambda x: jnp.sin(x),
    rhs=lambda u, t, x: (jnp.cos(3 * t) - 1) * u(x),
)
# Width 3, one hidden layer: few directions, and all of them well conditioned.
NETWORKS = {
    "linear": Fourier(2),
    "nonlinear": nivp.SinusoidalMLP(
        TORUS, 1, width=3, depth=1, num_frequencies=1, activation="tanh", key=KEY
    ),
}
SCHEMES = {
    "euler": (dfx.Euler(), 1, 64),
    "heun": (dfx.Heun(), 2, 32),
    "bosh3": (dfx.Bosh3(), 3, 16),
    # Its sixth-order terms outweigh its small fifth-order ones at longer steps.
    "tsit5": (dfx.Tsit5(), 5, 32),
    "dopri5": (dfx.Dopri5(), 5, 16),
    "corrected": (nivp.ExplicitRungeKutta(dfx.Bosh3(), corrections=2), 3, 16),
    "backward euler": (nivp.BackwardEuler(), 1, 64),
    "sdirk2": (nivp.SDIRK2(), 2, 32),
    "sdirk4": (nivp.SDIRK4(), 4, 8),
    "rodas4": (nivp.Rodas4(), 4, 16),
}


def exact(u0, t):
    return u0 * np.exp(np.sin(3 * t) / 3 - t)


def solution(network, solver, dt):
    method = nivp.NeuralIVP(
        sampler=Grid(32),
        velocity_solver=(
            nivp.LandmarkSubspace(32, damping=1e-13)
            if isinstance(solver, nivp.Rodas4)
            else nivp.LeastSquares(damping=1e-16)
        ),
        integrator=nivp.ConstantStep(solver, dt=dt),
    )
    state, steps = nivp.init(PROBLEM, network, method, 0.0, 1.0, KEY), round(1 / dt)
    for k in range(steps):
        state, record = nivp.step(PROBLEM, network, method, state, (k + 1) / steps)
        assert record.accepted
    return np.asarray(jax.vmap(nivp.networks.flatten(network)[1](state.theta))(X))


# The others differ by numbers only; `make validate` has them.
FAST = ("tsit5", "corrected", "backward euler", "sdirk4", "rodas4")


@pytest.mark.parametrize(
    ("scheme", "network"),
    [
        pytest.param(
            scheme,
            network,
            marks=() if network == "linear" or scheme in FAST else pytest.mark.slow,
        )
        for scheme in SCHEMES
        for network in NETWORKS
    ],
)
def test_order_in_u_is_the_slope(scheme, network):
    solver, order, count = SCHEMES[scheme]
    network = NETWORKS[network]
    wanted = exact(np.asarray(jax.vmap(network)(X)), 1.0)
    errors = [
        np.linalg.norm(solution(network, solver, 1 / n) - wanted) / np.linalg.norm(wanted)
        for n in (count, 2 * count)
    ]
    integrator = nivp.ConstantStep(solver, dt=1.0)
    assert integrator.order == order
    slope = np.log2(errors[0] / errors[1])
    assert errors[1] > 1e-13, errors
    assert abs(slope - order) < 0.35, (slope, errors)


def test_tableaus_satisfy_the_conditions_of_their_order():
    """Up to order four, written out (Hairer, Norsett & Wanner, II.2)."""
    for scheme in (nivp.BackwardEuler(), nivp.SDIRK2(), nivp.SDIRK4()):
        made = scheme.tableau
        a, b = made.a, made.a[-1]
        c = a.sum(axis=1)
        conditions = {
            1: [(b.sum(), 1)],
            2: [(b @ c, 1 / 2)],
            3: [(b @ c**2, 1 / 3), (b @ a @ c, 1 / 6)],
            4: [
                (b @ c**3, 1 / 4),
                ((b * c) @ a @ c, 1 / 8),
                (b @ a @ c**2, 1 / 12),
                (b @ a @ a @ c, 1 / 24),
            ],
        }
        for order in range(1, made.order + 1):
            for found, wanted in conditions[order]:
                np.testing.assert_allclose(found, wanted, atol=1e-12)
        assert np.all(np.diag(a) == a[0, 0]) and abs(c[-1] - 1) < 1e-12


def test_corrections_reach_what_the_scheme_aims_at():
    """u0 + dt L[u0] for forward Euler: a straight line in u, which bends in the parameters."""
    network = nivp.SinusoidalMLP(TORUS, 1, width=10, depth=2, num_frequencies=1, key=KEY)
    dt, misses = 0.1, []
    problem = nivp.Problem(
        domain=TORUS, initial=lambda x: jnp.sin(x), rhs=lambda u, t, x: nivp.partial(u, 0)(x)
    )
    target = jax.vmap(lambda x: network(x) + dt * problem.rhs(network, 0.0, x))(X)
    for corrections in (0, 2):
        scheme = nivp.ExplicitRungeKutta(dfx.Euler(), corrections=corrections)
        method = nivp.NeuralIVP(
            sampler=Grid(32),
            velocity_solver=nivp.RidgeCholesky(damping=1e-7),
            integrator=nivp.ConstantStep(scheme, dt=dt),
        )
        state = nivp.init(problem, network, method, 0.0, 1.0, KEY)
        state, _ = nivp.step(problem, network, method, state, 1.0)
        made = jax.vmap(nivp.networks.flatten(network)[1](state.theta))(X)
        misses.append(np.linalg.norm(made - target))
    assert misses[1] < 0.1 * misses[0], misses
