"""Second-order problems: pairs that are one, their parts, and bad input."""

import re
import warnings

import diffrax as dfx
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.networks import flatten
from neural_ivp.solve._form import warn_of_form

from .helpers import KEY, TORUS, refused
from .second_order import BOX, METHOD, NETWORK, PROBLEM, klein_gordon, moving


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
