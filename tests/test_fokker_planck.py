"""Densities in all of space: the equation for log u, the frame, particles, and whole solves."""

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.densities import frame_rates, log_mixture
from neural_ivp.linear import DrivenLinearisation, solver_for, velocity_problem_at
from neural_ivp.networks import flatten, held_mask
from neural_ivp.references import GaussianDensity, LineDensity, linear_moments

from .helpers import KEY, refused

WELL = nivp.FokkerPlanck(lambda t, x: x - x**3, 0.2, nivp.Gaussian([0.3], 0.15))
A = np.array([[-0.7, 1.5], [-1.5, -0.4]])
OFFSET = np.array([0.3, -0.2])
D = np.array([[0.3, 0.1], [0.1, 0.2]])
LINEAR = nivp.FokkerPlanck(
    lambda t, x: jnp.asarray(A) @ x + jnp.asarray(OFFSET) * jnp.cos(t),
    D,
    nivp.Gaussian([1.0, -0.5], [0.2, 0.5]),
)
# A diffusion that varies in space, and in the plane.
VARIABLE = nivp.FokkerPlanck(
    lambda t, x: jnp.stack([-x[0] + t, x[0] * x[1]]),
    lambda t, x: jnp.array([[1 + x[1] ** 2, 0.3], [0.3, 2.0 + jnp.sin(x[0])]]),
    nivp.Gaussian([0.1, 0.4], 0.3),
)


def exact_moments(t):
    return [
        part[-1]
        for part in linear_moments(
            [t],
            matrix=A,
            offset=lambda t: OFFSET * np.cos(t),
            diffusion=D,
            mean0=np.array([1.0, -0.5]),
            covariance0=np.diag([0.2, 0.5]),
        )
    ]


@pytest.mark.parametrize("problem", [WELL, LINEAR, VARIABLE], ids=["well", "linear", "variable"])
def test_the_rate_of_log_u_is_that_of_u(problem):
    t, d = jnp.asarray(0.4), problem.domain.dimension

    def log_u(x):
        return -jnp.sum(x**2) / 2 + jnp.sin(x @ jnp.arange(1.0, d + 1)) / 3

    for x in jax.random.normal(KEY, (3, d)):
        rate = problem.rhs(lambda x: jnp.exp(log_u(x))[None], t, x)[0]
        np.testing.assert_allclose(problem.log_rhs(log_u, t, x), rate / jnp.exp(log_u(x)))


def test_a_variable_diffusion_by_its_definition():
    """-div(b u) + sum_ij d_i d_j (D_ij u), each term differentiated as written."""
    t, x, process = jnp.asarray(0.4), jnp.array([0.3, -0.6]), VARIABLE.process

    def u(x):
        return jnp.exp(-(x @ x))

    flux = jnp.trace(jax.jacfwd(lambda x: process.drift(t, x) * u(x))(x))
    spread = jax.jacfwd(jax.jacfwd(lambda x: process.diffusion(t, x) * u(x)))(x)
    wanted = -flux + jnp.einsum("ijij->", spread)
    np.testing.assert_allclose(VARIABLE.rhs(lambda x: u(x)[None], t, x)[0], wanted)


def test_the_frame_of_a_linear_drift_has_its_moments():
    mean, covariance = np.array([0.4, 1.1]), np.array([[0.5, 0.2], [0.2, 0.9]])
    factor = np.linalg.cholesky(covariance)
    points = jax.random.normal(KEY, (50, 2)) + 0.3
    drifts = jax.vmap(lambda x: LINEAR.process.drift(jnp.asarray(0.2), x))(points)
    frame = jnp.zeros(1), jnp.asarray(mean)[None], jnp.asarray(factor)[None]
    spreads = jnp.broadcast_to(jnp.asarray(D), (50, 2, 2))
    means, factors = frame_rates(*frame, points, jnp.full(50, 0.02), drifts, spreads)
    np.testing.assert_allclose(means[0], A @ mean + OFFSET * np.cos(0.2), rtol=1e-10)
    change = factors[0] @ factor.T + factor @ factors[0].T
    np.testing.assert_allclose(change, A @ covariance + covariance @ A.T + 2 * D, rtol=1e-10)


def test_parts_of_a_mixture_move_by_themselves():
    mixture = nivp.GaussianMixture([[-5.0], [5.0]], [[[0.2]], [[0.3]]], [0.4, 0.6])
    points = mixture.sample(2_000, KEY)
    drifts = jnp.where(points < 0, -2 * (points + 4), points - 3)
    parts = points, jnp.full(2_000, 1 / 2_000), drifts, jnp.full((2_000, 1, 1), 0.1)
    frame = jnp.log(mixture.weights), mixture.means, mixture.factors
    means, factors = frame_rates(*frame, *parts)
    np.testing.assert_allclose(means[:, 0], [2.0, 2.0], rtol=1e-6)
    variances = 2 * (factors * mixture.factors)[:, 0, 0]
    np.testing.assert_allclose(variances, [-4 * 0.2 + 0.2, 2 * 0.3 + 0.2], rtol=1e-6)


def test_a_mixture_has_its_mass_moments_and_samples():
    mixture = nivp.GaussianMixture([[-1.0], [2.0]], [[[0.2]], [[0.5]]], [0.3, 1.2])
    x = np.linspace(-8, 10, 4_001)
    u = np.exp(jax.vmap(lambda x: mixture.log_density(x[None]))(jnp.asarray(x)))
    mass = np.trapezoid(u, x)
    np.testing.assert_allclose(mass, mixture.mass, rtol=1e-8)
    mean = np.trapezoid(u * x, x) / mass
    np.testing.assert_allclose(mean, mixture.mean[0], rtol=1e-8)
    variance = np.trapezoid(u * (x - mean) ** 2, x) / mass
    np.testing.assert_allclose(variance, mixture.covariance[0, 0], rtol=1e-8)
    drawn = np.asarray(mixture.sample(20_000, KEY))
    np.testing.assert_allclose(drawn.mean(), mean, atol=4 * np.sqrt(variance / 20_000))
    parts = jnp.log(mixture.weights), mixture.means, mixture.factors
    np.testing.assert_allclose(log_mixture(*parts, jnp.ones(1)), mixture.log_density(jnp.ones(1)))


def test_particles_have_the_moments_of_the_process():
    count = 40_000
    points = LINEAR.process.initial.sample(count, KEY)
    moved = LINEAR.process.move(points, jnp.asarray(0.0), jnp.asarray(0.5), KEY, 64)
    mean, covariance = exact_moments(0.5)
    noise = 4 * np.sqrt(np.diag(covariance) / count)
    np.testing.assert_array_less(np.abs(moved.mean(axis=0) - mean), noise + 5e-3)
    np.testing.assert_allclose(np.cov(moved.T), covariance, atol=0.02)
    # Multiplicative noise in the sense of Ito: the mean of x in -x has no drift by the noise.
    process = nivp.FokkerPlanck(
        lambda t, x: -x, lambda t, x: 0.2 * x @ x, nivp.Gaussian([1.0], 0.01)
    )
    points = process.process.initial.sample(count, KEY)
    moved = process.process.move(points, jnp.asarray(0.0), jnp.asarray(0.5), KEY, 64)
    np.testing.assert_allclose(moved.mean(), np.exp(-0.5), atol=1e-2)


def test_the_velocity_of_the_frame_is_given_and_the_rest_is_least_squares():
    network = nivp.default_network(WELL, key=KEY)
    theta, _ = flatten(network)
    sample = nivp.WeightedPoints.equal(WELL.process.initial.sample(300, KEY))
    trial = nivp.trials.trial_for(WELL, network)
    parts = WELL, trial, network, theta, jnp.asarray(0.0), sample, None
    linearisation, f = velocity_problem_at(*parts)
    assert isinstance(linearisation, DrivenLinearisation)
    solver = solver_for(nivp.RidgeCholesky(damping=1e-8), network)
    setup = solver.setup(linearisation, jnp.zeros_like(theta), KEY)
    velocity = solver.solve(linearisation, f, jnp.zeros_like(theta), setup)
    held = held_mask(network)
    np.testing.assert_array_equal(velocity.value[held], linearisation.drive[held])
    J = np.asarray(linearisation.jacobian())[:, 0]
    rest = np.asarray(f)[:, 0] - J @ np.asarray(linearisation.drive)
    gram = J[:, ~held].T @ J[:, ~held] / 300
    mu = 1e-8 * np.linalg.eigvalsh(gram)[-1]
    wanted = np.linalg.solve(gram + mu * np.eye(len(gram)), J[:, ~held].T @ rest / 300)
    np.testing.assert_allclose(J[:, ~held] @ wanted, J[:, ~held] @ velocity.value[~held], atol=1e-5)
    assert float(velocity.info.projection_residual) < 1e-2


@pytest.fixture(scope="module")
def linear():
    return nivp.solve(LINEAR, ts=[0.0, 0.3, 0.6], key=KEY)


@pytest.fixture(scope="module")
def well():
    return nivp.solve(WELL, ts=[0.0, 0.25, 0.5], key=KEY)


def test_a_normal_density_stays_normal(linear):
    mean, covariance = exact_moments(0.6)
    network = linear.network(0.6)
    np.testing.assert_allclose(network.means[0], mean, atol=1e-3)
    spread = network.factors[0] @ network.factors[0].T
    np.testing.assert_allclose(spread, covariance, atol=1e-3)
    exact = GaussianDensity(mean, covariance)
    points = np.random.default_rng(0).multivariate_normal(mean, covariance, 500)
    log_u = np.log(linear(0.6, points))[:, 0]
    np.testing.assert_allclose(log_u, exact.log_density(points), atol=2e-2)


def test_a_double_well_against_finite_volumes(well):
    start = lambda y: np.exp(-((y - 0.3) ** 2) / 0.3) / np.sqrt(0.3 * np.pi)  # noqa: E731
    exact = LineDensity(lambda y: y - y**3, 0.2, start, -4.0, 4.0)
    x = exact.sample(0.5, 2_000, np.random.default_rng(0))[:, None]
    ratio = np.asarray(well(0.5, x))[:, 0] / exact.density(0.5, x[:, 0])
    assert np.sqrt(np.mean((ratio - 1) ** 2)) < 2e-2
    reference = lambda t, x: exact.density(t, x[:, 0])[:, None]  # noqa: E731
    assert well.error(reference).relative_l2[-1] < 2e-2


def test_a_solution_is_written_and_read(well, tmp_path):
    well.save(tmp_path / "well.nivp")
    again = nivp.load(tmp_path / "well.nivp", problem=WELL)
    x = np.array([[0.2], [-1.1]])
    np.testing.assert_array_equal(again(0.4, x), well(0.4, x))
    other = nivp.FokkerPlanck(lambda t, x: x - x**3, 0.3, nivp.Gaussian([0.3], 0.15))
    with refused("rhs"):
        nivp.load(tmp_path / "well.nivp", problem=other)


def test_pictures_and_reports_of_densities(well, linear):
    assert len(well.plot().axes[0].get_lines()) == len(well.ts)
    maps = [axes for axes in linear.plot().axes if axes.get_images()]
    assert len(maps) == len(linear.ts)
    assert "finding: residual" not in well.report()


def test_an_interrupted_march_resumes_to_the_same_bits(tmp_path):
    network = nivp.default_network(WELL, num_bumps=6, key=KEY)
    method = nivp.default_method(WELL, network, rtol=1e-2)
    options = dict(ts=[0.0, 0.2, 0.4], key=KEY)
    whole = nivp.solve(WELL, network, method, **options)

    def stop(progress):
        if progress.phase == "evolve" and progress.t > 0.15:
            raise KeyboardInterrupt

    checkpoint = nivp.Checkpoint(tmp_path / "well.ckpt")
    with pytest.raises(nivp.SolveInterrupted):
        nivp.solve(WELL, network, method, **options, progress=stop, checkpoint=checkpoint)
    resumed = nivp.resume(tmp_path / "well.ckpt", problem=WELL)
    np.testing.assert_array_equal(resumed.parameters, whole.parameters)


def test_the_frame_alone_keeps_few_directions(linear):
    network = linear.network(0.0)
    assert len(network.inner.directions) == 2
    assert linear.fits[0]["first_residual"] < 1e-6


def test_a_network_that_cannot_say_it_stops():
    """Products of three coordinates, by two directions with few bumps."""
    problem = nivp.FokkerPlanck(
        lambda t, x: x - x**3 - 3 * x * jnp.roll(x, 1) * jnp.roll(x, 2),
        0.2,
        nivp.Gaussian([0.3, -0.2, 0.1, 0.0], 0.3),
    )
    network = nivp.default_network(problem, num_directions=1, num_bumps=4, key=KEY)
    inner = network.inner.reduced(1)
    network = nivp.GaussianFrame.of(inner, problem.process.initial)
    method = nivp.NeuralIVP(
        sampler=nivp.DiffusionParticles(600),
        velocity_solver=nivp.RidgeCholesky(damping=1e-2),
        integrator=nivp.AdaptiveStep(dfx.Bosh3(), rtol=1e-2),
    )
    with pytest.warns(nivp.FitWarning, match="first rate"):
        solution = nivp.solve(problem, network, method, ts=[0.0, 0.1], key=KEY, throw=False)
    assert solution.result == "poor_fit" and "log u" in solution.message


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((lambda t, x: x[:1], 0.2, nivp.Gaussian([0.0, 0.0], 1.0)), "drift"),
        ((lambda x: x, 0.2, nivp.Gaussian([0.0, 0.0], 1.0)), "drift"),
        ((lambda t, x: x, np.eye(3), nivp.Gaussian([0.0, 0.0], 1.0)), "diffusion"),
        ((lambda t, x: x, -0.2, nivp.Gaussian([0.0, 0.0], 1.0)), "diffusion"),
        (
            (lambda t, x: x, [[1.0, 2.0], [2.0, 1.0]], nivp.Gaussian([0.0, 0.0], 1.0)),
            "semidefinite",
        ),
        ((lambda t, x: x, [[1.0, 2.0], [0.0, 1.0]], nivp.Gaussian([0.0, 0.0], 1.0)), "symmetric"),
        ((lambda t, x: x, lambda t, x: x, nivp.Gaussian([0.0, 0.0], 1.0)), "diffusion"),
        ((lambda t, x: x, 0.2, lambda x: 1.0), "initial"),
    ],
)
def test_bad_equations(arguments, word):
    with refused(word):
        nivp.FokkerPlanck(*arguments)


def test_bad_densities_and_domains():
    with refused("covariance"):
        nivp.Gaussian([0.0, 0.0], -1.0)
    with refused("covariance"):
        nivp.Gaussian([0.0, 0.0], np.eye(3))
    with refused("weights"):
        nivp.GaussianMixture([[0.0]], [[[1.0]]], [-1.0])
    with refused("scale"):
        nivp.Euclidean(2, scale=0.0)
    with refused("face"):
        nivp.Euclidean(2).distance("x0-", jnp.zeros(2))
    plain = nivp.Problem(
        domain=nivp.Euclidean(1), initial=lambda x: jnp.exp(-(x**2)), rhs=lambda u, t, x: -u(x)
    )
    with refused("Euclidean"):
        nivp.default_network(plain, key=KEY)
    heat = nivp.problems.Heat(1)
    network = nivp.default_network(WELL, key=KEY)
    with refused("density"):
        nivp.solve(heat, network, ts=[0.0, 0.1], key=KEY)
    method = nivp.NeuralIVP(
        sampler=nivp.DiffusionParticles(100), velocity_solver=nivp.RidgeCholesky()
    )
    with refused("restart"):
        nivp.NeuralIVP(
            sampler=nivp.DiffusionParticles(100),
            velocity_solver=nivp.RidgeCholesky(),
            restart=nivp.PeriodicRestart(0.1),
        )
    with refused("num_direction"):
        nivp.default_network(WELL, width=10, key=KEY)
    with refused("process"):
        nivp.solve(heat, method=method, ts=[0.0, 0.1], key=KEY)


def test_points_of_space_are_normal():
    domain = nivp.Euclidean(2, centre=(1.0, -2.0), scale=(0.5, 3.0))
    points = domain.low_discrepancy_points(4_000)
    np.testing.assert_allclose(points.mean(axis=0), [1.0, -2.0], atol=0.02)
    np.testing.assert_allclose(points.std(axis=0), [0.5, 3.0], rtol=0.02)
    unit = jax.random.uniform(KEY, (4_000, 2))
    drawn = jax.vmap(domain.from_unit)(unit)
    np.testing.assert_allclose(np.std(drawn, axis=0), [0.5, 3.0], rtol=0.05)
    assert not domain.faces and domain.volume == np.inf


@pytest.mark.parametrize(("parts", "products"), [(1, True), (1, False), (2, True)])
def test_the_derivatives_of_a_frame_by_differentiation(parts, products):
    means = jax.random.normal(KEY, (parts, 3))
    mixture = nivp.GaussianMixture(means, jnp.stack([jnp.diag(jnp.array([0.5, 1.0, 2.0]))] * parts))
    inner = nivp.RidgeSum(3, num_directions=4, products=products, key=KEY)
    theta, rebuild = flatten(nivp.GaussianFrame.of(inner, mixture))
    network = rebuild(theta + 0.1 * jax.random.normal(KEY, theta.shape))
    x, root = jnp.array([0.3, -0.8, 1.2]), jax.random.normal(KEY, (3, 3))
    slope, second = network.derivatives(x, root)
    np.testing.assert_allclose(slope, jax.grad(lambda x: network(x)[0])(x), rtol=1e-9)
    hessian = jax.hessian(lambda x: network(x)[0])(x)
    np.testing.assert_allclose(second, jnp.sum(hessian * (root @ root.T)), rtol=1e-9)


def test_a_frozen_frame_leaves_all_to_the_network():
    inner = nivp.RidgeSum(2, num_directions=2, key=KEY)
    network = nivp.GaussianFrame.of(inner, LINEAR.process.initial, moving=False)
    solution = nivp.solve(LINEAR, network, ts=[0.0, 0.3], key=KEY)
    np.testing.assert_array_equal(solution.network(0.3).means[0], [1.0, -0.5])
    exact = GaussianDensity(*exact_moments(0.3))
    points = np.random.default_rng(0).multivariate_normal(exact.mean, exact.covariance, 500)
    log_u = np.log(solution(0.3, points))[:, 0]
    assert np.std(log_u - exact.log_density(points)) < 1e-2
