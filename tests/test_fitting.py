"""Fits of small networks: accuracy, stopping, reproducibility, float32, bad input."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.networks._base import with_head

from .helpers import KEY, PROBLEMS, TORUS, Fourier, small_network

# Narrow enough that the bump, like the network, vanishes at the walls.
PROBLEM = nivp.problems.Advection(1, width=0.15)


def fit(stage, network=None, target=PROBLEM.initial, domain=PROBLEM.domain, key=KEY, **options):
    network = small_network(PROBLEM, width=10) if network is None else network
    return nivp.fit(network, target, domain, (stage,), key=key, **options)


def stage(**options):
    options = {"steps": 80, "sampler": nivp.Following(200), "report_every": 10, **options}
    return nivp.GaussNewton(**options)


def test_gauss_newton_fits_to_four_digits_and_says_so():
    network = small_network(PROBLEM, width=16, depth=3, num_frequencies=4)
    fitted = fit(stage(steps=150, sampler=nivp.Following(2_000)), network)
    assert fitted.relative_l2_error < 1e-4
    x = jnp.linspace(-1, 1, 777)[:, None]
    wanted = np.asarray(jax.vmap(PROBLEM.initial)(x))
    misfit = np.linalg.norm(np.asarray(jax.vmap(fitted.network)(x)) - wanted)
    assert misfit < 2 * fitted.relative_l2_error * np.linalg.norm(wanted)
    assert min(made.error for made in fitted.history) == fitted.relative_l2_error


def test_a_network_that_is_linear_in_its_parameters_is_fitted_at_once():
    """The linear model is exact: a few steps reach the best approximation."""
    solver = nivp.LeastSquares()
    sampler = nivp.QuasiUniform(500)
    fitted = fit(
        stage(velocity=solver, sampler=sampler, steps=20, tolerance=0.0),
        Fourier(6),
        lambda x: jnp.exp(jnp.sin(x)),
        TORUS,
    )
    points = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    basis = np.stack([f(k * points) for k in range(7) for f in (np.cos, np.sin)], axis=1)
    wanted = np.exp(np.sin(points))
    best = wanted - basis @ np.linalg.lstsq(basis, wanted, rcond=None)[0]
    limit = np.linalg.norm(best) / np.linalg.norm(wanted)
    assert fitted.relative_l2_error < 1.1 * limit


def test_it_stops_at_the_tolerance_and_when_nothing_improves():
    early = fit(stage(tolerance=1e-2))
    assert early.relative_l2_error <= 1e-2 and early.steps < 80 and early.steps % 10 == 0
    network = Fourier(1)
    sampler = nivp.QuasiUniform(300)
    stalled = fit(
        stage(sampler=sampler, patience=2, steps=1000), network, lambda x: jnp.sin(3 * x), TORUS
    )
    assert stalled.steps <= 100


def test_same_key_same_bits_however_the_steps_are_reported():
    one, other = fit(stage(steps=20)), fit(stage(steps=20, report_every=20))
    thetas = [nivp.flatten(fitted.network)[0] for fitted in (one, other)]
    assert np.array_equal(*thetas)


def test_the_default_solver_fits_in_float32():
    network = small_network(PROBLEM, width=10, dtype="float32")
    fitted = fit(stage(), network)
    theta, _ = nivp.flatten(fitted.network)
    assert theta.dtype == jnp.float32 and fitted.relative_l2_error < 1e-3


def test_components_add_up_in_the_norm():
    problem = PROBLEMS["wave_1d"]
    norm = nivp.L2((1.0, 1e3))
    fitted = fit(stage(), small_network(problem), problem.initial, problem.domain, norm=norm)
    x = jnp.linspace(-1, 1, 777)[:, None]
    wanted = jax.vmap(problem.initial)(x)
    misfit = (jax.vmap(fitted.network)(x) - wanted) / jnp.array([[1.0, 1e3]])
    relative = jnp.linalg.norm(misfit) / jnp.linalg.norm(wanted[:, 0])
    np.testing.assert_allclose(relative, fitted.relative_l2_error, rtol=0.1)


def test_fit_errors_of_a_known_perturbation():
    """sin x + 1e-3 sin 3x against sin x: 1e-3, 3e-3 and 9e-3 in value, slope and curvature."""
    network = with_head(Fourier(3), jnp.zeros((1, 7)).at[0, 1].set(1.0).at[0, 3].set(1e-3))
    errors = nivp.fit_errors(network, jnp.sin, TORUS)
    got = [errors.relative_l2, errors.gradient, errors.hessian, errors.maximum]
    np.testing.assert_allclose(got, [1e-3, 3e-3, 9e-3, 1e-3], rtol=1e-2)
    assert "1.00e-03" in str(errors)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nivp.GaussNewton(steps=0), "`steps` must be an integer of at least 1, got 0"),
        (lambda: nivp.GaussNewton(tolerance=-1.0), "`tolerance`"),
        (lambda: nivp.GaussNewton(patience=0), "`patience`"),
        (lambda: nivp.L2((1.0, -2.0)), "`scales`"),
        (lambda: nivp.WaveEnergy(1.0, 0.0, 1.0), "`width`"),
        (lambda: fit(stage(), target=lambda x: x / 0), "not finite"),
    ],
)
def test_bad_input(make, words):
    with pytest.raises(nivp.InputError, match=words):
        make()
