"""Fits of small networks: accuracy, stopping, reproducibility, float32, bad input."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import neural_ivp as nivp
from neural_ivp.fitting._gauss_newton import _default_velocity_solver
from neural_ivp.networks import with_head

from .helpers import KEY, PROBLEMS, TORUS, Fourier, refused, small_network, trap_in_box

# Narrow enough that the bump, like the trial function, vanishes at the walls.
PROBLEM = nivp.problems.Advection(1, width=0.15)
TRIAL = nivp.trials.trial_for(PROBLEM, small_network(PROBLEM))
EXACT = (PROBLEM.initial, PROBLEM.domain)


def fit(stage, network=None, target=PROBLEM.initial, domain=PROBLEM.domain, key=KEY, **options):
    network = small_network(PROBLEM, width=10) if network is None else network
    return nivp.fit(network, target, domain, (stage,), key=key, **options)


def stage(**options):
    options = {"steps": 80, "sampler": nivp.ImportanceSampling(200), "report_every": 10, **options}
    return nivp.GaussNewton(**options)


def test_gauss_newton_fits_to_four_digits_and_says_so():
    network = small_network(PROBLEM, width=10, depth=3, num_frequencies=4)
    fitted = fit(stage(steps=150, sampler=nivp.ImportanceSampling(400), tolerance=5e-5), network)
    assert fitted.relative_l2_error < 1e-4
    x = jnp.linspace(-1, 1, 777)[:, None]
    wanted = np.asarray(jax.vmap(PROBLEM.initial)(x))
    misfit = np.linalg.norm(np.asarray(jax.vmap(fitted.network)(x)) - wanted)
    assert misfit < 2 * fitted.relative_l2_error * np.linalg.norm(wanted)
    assert min(made.error for made in fitted.history) == fitted.relative_l2_error


@pytest.mark.parametrize("rows", [30, 100])
def test_steps_in_float32_move_more_parameters_than_they_have_equations(rows):
    """With fewer the fit stagnates: each step undoes what others have reached."""
    network = small_network(PROBLEM, dtype="float32")
    theta, _ = nivp.networks.flatten(network)
    sample = nivp.WeightedPoints.equal(jnp.linspace(-1, 1, rows, dtype=jnp.float32)[:, None])
    solver = _default_velocity_solver(nivp.linear.linearise(network, theta, sample))
    if isinstance(solver, nivp.RandomSubset):
        assert rows < solver.size < theta.size
        solver = solver.inner
    else:
        assert theta.size <= 1.5 * rows
    assert isinstance(solver, nivp.LeastSquares)


def test_a_network_that_is_linear_in_its_parameters_is_fitted_at_once():
    """The linear model is exact: a few steps reach the best approximation."""
    solver = nivp.LeastSquares()
    sampler = nivp.QuasiMonteCarlo(500)
    fitted = fit(
        stage(velocity_solver=solver, sampler=sampler, steps=20, tolerance=0.0),
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
    sampler = nivp.QuasiMonteCarlo(300)
    stalled = fit(
        stage(sampler=sampler, patience=2, steps=1000), network, lambda x: jnp.sin(3 * x), TORUS
    )
    assert stalled.steps <= 100


def test_same_key_same_bits_however_the_steps_are_reported():
    one, other = fit(stage(steps=20)), fit(stage(steps=20, report_every=20))
    thetas = [nivp.networks.flatten(fitted.network)[0] for fitted in (one, other)]
    assert np.array_equal(*thetas)


def test_the_default_solver_fits_in_float32():
    network = small_network(PROBLEM, width=10, dtype="float32")
    fitted = fit(stage(), network)
    theta, _ = nivp.networks.flatten(fitted.network)
    assert theta.dtype == jnp.float32 and fitted.relative_l2_error < 1e-3


def test_components_add_up_in_the_norm():
    problem, norm = PROBLEMS["wave_1d"], nivp.L2((1.0, 1e3))
    network = small_network(problem)
    trial = nivp.trials.trial_for(problem, network)
    parts = network, problem.initial, problem.domain
    fitted = fit(stage(), *parts, norm=norm, trial=trial)
    x = jnp.linspace(-1, 1, 777)[:, None]
    wanted = jax.vmap(problem.initial)(x)
    misfit = jax.vmap(trial.field(fitted.network, 0.0))(x) - wanted
    misfit = misfit / jnp.array([[1.0, 1e3]])
    relative = jnp.linalg.norm(misfit) / jnp.linalg.norm(wanted[:, 0])
    np.testing.assert_allclose(relative, fitted.relative_l2_error, rtol=0.1)


def test_fit_errors_of_a_known_perturbation():
    """sin x + 1e-3 sin 3x against sin x: 1e-3, 3e-3 and 9e-3 in value, slope and curvature."""
    network = with_head(Fourier(3), jnp.zeros((1, 7)).at[0, 1].set(1.0).at[0, 3].set(1e-3))
    errors = nivp.fit_errors(network, jnp.sin, TORUS)
    got = [errors.relative_l2, errors.gradient, errors.hessian, errors.maximum]
    np.testing.assert_allclose(got, [1e-3, 3e-3, 9e-3, 1e-3], rtol=1e-2)
    assert "1.00e-03" in str(errors)


def test_momentum_saves_steps():
    """The mean of three keys: what a subset does not determine goes on as before."""

    def errors(momentum):
        keys = [jax.random.key(k) for k in range(3)]
        solver = nivp.RandomSubset(nivp.RidgeCholesky(), 60)
        one = stage(velocity_solver=solver, momentum=momentum, steps=60, tolerance=0.0)
        return [fit(one, key=key, trial=TRIAL).relative_l2_error for key in keys]

    assert np.mean(np.log(errors(0.8))) < np.mean(np.log(errors(0.0))) - 0.3


def test_slopes_are_fitted_too_in_h1():
    network = small_network(PROBLEM, width=10)
    plain, sobolev = (
        nivp.fit_errors(fit(stage(tolerance=0.0), network, norm=norm).network, *EXACT)
        for norm in (None, nivp.H1((1.0,), 0.15))
    )
    assert sobolev.gradient < 0.7 * plain.gradient


def test_h1_is_values_and_scaled_slopes():
    norm = nivp.H1((2.0, 4.0), 0.5)
    value = norm(lambda x: jnp.stack([jnp.sin(x[0]) * x[1], x[0]]), jnp.array([0.3, 2.0]))
    wanted = [np.sin(0.3), 0.3 / 4, 0.5 * np.cos(0.3), 0.25 * np.sin(0.3), 0.125, 0.0]
    np.testing.assert_allclose(value, wanted)


def test_samples_are_fitted_and_a_tenth_of_them_held_out():
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (600, 1))
    values = np.asarray(jax.vmap(PROBLEM.initial)(jnp.asarray(points)))
    samples = nivp.ScatteredData(PROBLEM.domain, points, values)
    network = small_network(PROBLEM, width=10)
    lion = nivp.OptaxDescent(optax.lion(1e-3), steps=300, reports=2)
    for one in (stage(), nivp.Adam(steps=300, reports=2), lion, nivp.LastLayer()):
        fitted = fit(one, network, samples)
        truth = nivp.fit_errors(fitted.network, *EXACT)
        np.testing.assert_allclose(fitted.relative_l2_error, truth.relative_l2, rtol=0.5)
        assert fitted.scaled_maximum_error < 1.5 * truth.maximum
    assert fit(stage(), network, samples).relative_l2_error < 1e-3


def test_values_on_a_grid_are_fitted():
    axis = np.linspace(-1, 1, 101)
    values = np.asarray(jax.vmap(PROBLEM.initial)(jnp.asarray(axis)[:, None]))
    fitted = fit(stage(), target=nivp.GriddedData(PROBLEM.domain, values))
    assert nivp.fit_errors(fitted.network, *EXACT).relative_l2 < 1e-3


@pytest.mark.parametrize("wanted", [0.0, 2.5])
def test_zero_and_constants_are_exact(wanted):
    problem = PROBLEMS["heat_torus"]
    network = small_network(problem)
    fitted = fit(stage(), network, lambda x: jnp.full(1, wanted), problem.domain)
    x = jnp.linspace(0, 6, 50)[:, None]
    np.testing.assert_allclose(jax.vmap(fitted.network)(x), wanted, rtol=1e-15)
    assert fitted.steps == 0 and "the same at all 20000 held-out points" in fitted.report()


def test_constant_data_on_a_grid_are_a_constant():
    fitted = fit(
        stage(),
        small_network(PROBLEMS["heat_torus"]),
        nivp.GriddedData(TORUS, np.full(9, 2.1)),
        TORUS,
    )
    assert fitted.steps == 0 and fitted.relative_l2_error < 1e-14


def test_what_no_point_meets_in_many_dimensions_is_not_zero_for_sure():
    box = nivp.Box((-1.0,) * 5, (1.0,) * 5)
    network = nivp.FourierSeries(box, 1, modes=1, key=KEY)

    def narrow(x):
        return jnp.where(jnp.sum(x**2) < 1e-4, 1.0, 0.0)[None]

    with pytest.warns(nivp.FitWarning, match="unless it lives where none of them lies"):
        assert fit(stage(), network, narrow, box).relative_l2_error == 0


def test_a_descent_that_diverges_keeps_what_it_had():
    fitted = fit(
        nivp.Adam(steps=30, learning_rate=1e300, cosine_decay=False, num_points=20, reports=3)
    )
    assert "is not finite after" in fitted.report()
    assert np.isfinite(fitted.relative_l2_error) and np.isfinite(fitted.scaled_maximum_error)


def test_few_samples_are_not_taken_for_a_constant():
    """One of nineteen is held out, and tells nothing."""
    x = np.linspace(0, 6, 19)[:, None]
    network = small_network(PROBLEMS["heat_torus"])
    fitted = fit(stage(steps=20), network, nivp.ScatteredData(TORUS, x, np.sin(x)), TORUS)
    assert fitted.steps == 20


def test_a_constant_that_the_network_cannot_be_is_fitted_by_the_stages():
    """It vanishes on the boundary, where the target does not."""
    fitted = fit(stage(steps=20), target=lambda x: jnp.ones(1), trial=TRIAL)
    assert fitted.steps == 20 and 1e-3 < fitted.relative_l2_error < 1


def test_the_report_says_how_each_stage_ended():
    stages = (nivp.Adam(steps=20, reports=1), nivp.LastLayer(), stage(tolerance=1e-1))
    network = small_network(PROBLEM, width=10)
    fitted = nivp.fit(network, PROBLEM.initial, PROBLEM.domain, stages, key=KEY)
    for words in ("adam: 20 steps", "last layer: 0", "tolerance of 1.0e-01 is met", "largest"):
        assert words in fitted.report()
    ends = [fit(stage(steps=10)), fit(stage(steps=300, patience=1, report_every=1))]
    assert (
        "all of its steps" in ends[0].report()
        and "less than a tenth in 1 steps" in ends[1].report()
    )


def test_a_density_in_eight_dimensions_is_fitted_in_its_own_measure():
    """What is held out follows the density; evenly spread points would not meet it."""
    problem = trap_in_box(8)
    network = small_network(problem, width=12)
    one = stage(steps=100, sampler=nivp.SequentialMonteCarlo(500), tolerance=0.0)
    held_out = nivp.SequentialMonteCarlo(2_000, fraction=1.0)
    fitted = fit(one, network, problem.initial, problem.domain, held_out=held_out)
    points = problem.mean[None] + np.sqrt(0.1) * jax.random.normal(KEY, (4_000, 8))
    wanted = jax.vmap(problem.initial)(points)
    error = jnp.linalg.norm(jax.vmap(fitted.network)(points) - wanted) / jnp.linalg.norm(wanted)
    assert error < 0.1
    np.testing.assert_allclose(error, fitted.relative_l2_error, rtol=0.2)


WRONG_DOMAIN = nivp.ScatteredData(TORUS, np.ones((4, 1)), np.ones(4))
TWO_COMPONENTS = nivp.ScatteredData(PROBLEM.domain, np.full((4, 1), 0.5), np.ones((4, 2)))
SAMPLES = nivp.ScatteredData(PROBLEM.domain, np.full((4, 1), 0.5), np.ones(4))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nivp.GaussNewton(momentum=1.0), "`momentum` must lie in"),
        (lambda: nivp.GaussNewton(momentum="x"), "`momentum` must be one non-negative number"),
        (lambda: nivp.GaussNewton(sampler=100), r"`sampler` must be an? \w+, got"),
        (lambda: nivp.GaussNewton(velocity_solver=nivp.RidgeDual), r"write RidgeDual\(...\)"),
        (lambda: nivp.OptaxDescent(optax.lbfgs(), steps=9), "`optimiser` must need nothing but"),
        (lambda: nivp.GriddedData("box", np.ones(9)), r"`domain` must be an? \w+, got"),
        (lambda: nivp.GriddedData(TORUS, None), "`values` must be an array of numbers, got None"),
        (lambda: nivp.ScatteredData(TORUS, np.ones((2, 1)), np.ones((2, 3))), "give more points"),
        (lambda: fit(stage(), norm="H1"), r"`norm` must be an? \w+, got"),
        (lambda: fit(stage(), network=lambda x: x), r"`network` must be an? \w+, got"),
        (
            lambda: fit(stage(), network=small_network(PROBLEMS["heat_torus"])),
            "made for another domain",
        ),
        (lambda: fit(stage(), target=lambda x: np.sin(x)), "write it with jax.numpy"),
        (lambda: fit(stage(), target=lambda x: x if x[0] > 0 else -x), "`jnp.where` in place of"),
        (lambda: nivp.H1((1.0,), 0.0), "`length_scale`"),
        (lambda: nivp.OptaxDescent(optax.adam, steps=9), r"`optimiser` must be an? \w+, got"),
        (lambda: fit(stage(), target=lambda x: jnp.ones(2)), "the value of the target has shape"),
        (lambda: fit(stage(), target=WRONG_DOMAIN), "`target` has values on another domain"),
        (lambda: fit(stage(), target=TWO_COMPONENTS), "one sample of `target`"),
        (lambda: fit(stage(), target=SAMPLES, norm=nivp.H1((1.0,), 0.1)), "takes derivatives"),
        (lambda: fit(stage(), target=np.ones(3)), "`target` must be a function of one point"),
        (lambda: fit(stage(), target=lambda x: jnp.exp(1j * x)), "complex"),
        (
            lambda: fit(stage(), target=nivp.GriddedData(TORUS, np.sin(np.arange(9.0)))),
            "another domain",
        ),
        (lambda: fit(nivp.GaussNewton), r"`stages` must be an? \w+, got"),
        (lambda: fit(stage(), norm=nivp.L2((1.0, 1.0))), "`norm.scales`"),
        (lambda: fit(stage(), held_out=nivp.Uniform), r"`held_out` must be an? \w+, got"),
        (lambda: nivp.GaussNewton(steps=0), "`steps` must be an integer of at least 1, got 0"),
        (lambda: nivp.GaussNewton(tolerance=-1.0), "`tolerance`"),
        (lambda: nivp.GaussNewton(patience=0), "`patience`"),
        (lambda: nivp.L2((1.0, -2.0)), "`scales`"),
        (lambda: nivp.WaveEnergy(1.0, 0.0, 1.0), "`length_scale`"),
        (lambda: fit(stage(), target=lambda x: x / 0), "not finite"),
    ],
)
def test_bad_input(make, words):
    with refused(words):
        make()
