"""Moments, entropy, marginals and samples of a solution that is a density, and their errors."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.evolution import Segment
from neural_ivp.networks import GaussianFrame, flatten
from neural_ivp.references import GaussianDensity, LineDensity, fokker_planck_moments
from neural_ivp.solution import Estimate
from neural_ivp.solution._estimates import frame_sample

KEY, END, RTOL, N = jax.random.key(3), 0.5, 1e-3, 4_000
NAMES = ("mean", "covariance", "entropy")


@pytest.fixture(scope="module")
def trap():
    problem = nivp.problems.HarmonicTrap(2)
    return nivp.solve(problem, ts=[0.0, END], rtol=RTOL, key=KEY)


@pytest.fixture(scope="module")
def well():
    problem = nivp.FokkerPlanck(lambda t, x: x - x**3, 0.2, nivp.Gaussian([-0.4], 0.15, mass=2.0))
    return nivp.solve(problem, ts=[0.0, 0.8], rtol=RTOL, key=KEY)


@pytest.fixture(scope="module")
def line():
    def initial(y):
        return np.exp(-((y + 0.4) ** 2) / 0.3) / np.sqrt(0.3 * np.pi)

    return LineDensity(lambda y: y - y**3, 0.2, initial, -4.0, 4.0, cells=400)


def trap_moments(t):
    """Mean, covariance and entropy."""
    problem = nivp.problems.HarmonicTrap(2)
    means, covariances = fokker_planck_moments(
        [t],
        dimension=2,
        mean0=np.asarray(problem.mean),
        variance0=0.1,
        alpha=0.25,
        beta=100.0,
        drift=lambda t: 1.25 * (np.sin(np.pi * t) + 1.5),
    )
    return means[0], covariances[0], GaussianDensity(means[0], covariances[0]).entropy()


def solution_of(problem, network, t):
    """The solution that is known at one time, with the initial value at t = 0."""
    theta = np.asarray(flatten(network)[0])
    none = np.zeros((0, theta.size))
    segment = Segment(np.array([t]), theta[None], none, none)
    record = {"accepted": np.zeros(0, bool), "t0": np.zeros(0)}
    return nivp.Solution(problem, network, np.zeros(1), [segment], record, "successful", "", [])


def assert_agrees(estimate, exact, *, floor=0.0, errors=5.0):
    bound = errors * estimate.standard_error + floor
    assert np.all(np.abs(estimate.value - exact) <= bound), (estimate.value, exact, bound)


def test_a_normal_density_is_exact(trap):
    for name, exact in zip(NAMES, trap_moments(0.0), strict=True):
        estimate = getattr(trap, name)(0.0, num_samples=N)
        np.testing.assert_allclose(estimate.value, exact, rtol=0, atol=1e-10)
        assert np.all(estimate.standard_error < 1e-10)
    assert abs(trap.mass(0.0).value - 1) < 1e-10


def test_a_normal_density_that_moves(trap):
    for name, exact in zip(NAMES, trap_moments(END), strict=True):
        assert_agrees(getattr(trap, name)(END, num_samples=N), exact, floor=RTOL)


def test_a_density_in_two_wells(well, line):
    """The floor is the error of the solution; the mass is not 1, and not in the moments."""
    t, estimates = 0.8, {}
    for name, exact in (
        ("mean", line.mean(t)),
        ("covariance", line.variance(t)),
        ("entropy", line.entropy(t)),
    ):
        estimates[name] = getattr(well, name)(t, num_samples=N)
        assert_agrees(estimates[name], exact, floor=RTOL)
        assert np.max(estimates[name].standard_error) < 2e-3
    assert estimates["covariance"].value.shape == (1, 1)
    assert_agrees(well.mass(t, num_samples=N), 2.0, floor=2 * RTOL)
    again = well.entropy(t, num_samples=N, key=jax.random.key(0))
    assert again.value == estimates["entropy"].value
    assert well.entropy(t, num_samples=N, key=KEY).value != again.value


@pytest.fixture(scope="module")
def bent():
    """A network that is no normal density, with its mass, mean, covariance and entropy."""
    inner = nivp.RidgeSum(2, num_directions=3, num_bumps=6, key=KEY)
    bumps = 0.4 * jax.random.normal(KEY, inner.coefficients.shape).at[:, -2:].set(0)
    inner = eqx.tree_at(lambda net: net.coefficients, inner, bumps)
    means, weights = np.array([[-0.8, 0.1], [0.9, 0.3]]), np.array([0.8, 0.5])
    covariances = np.array([[[0.5, 0.2], [0.2, 0.4]], [[0.3, 0.0], [0.0, 0.6]]])
    network = GaussianFrame.of(inner, nivp.GaussianMixture(means, covariances, weights))
    axis = np.linspace(-7, 7, 281)
    x = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    log_u = np.asarray(jax.jit(jax.vmap(network))(jnp.asarray(x)))[:, 0]
    u = np.exp(log_u) * (axis[1] - axis[0]) ** 2
    mass, share = u.sum(), u / u.sum()
    mean = share @ x
    covariance = (share[:, None] * (x - mean)).T @ (x - mean)
    return network, {
        "mass": mass,
        "mean": mean,
        "covariance": covariance,
        "entropy": -share @ (log_u - np.log(mass)),
    }


@pytest.mark.parametrize("name", ["mass", *NAMES])
def test_weights_on_draws_from_a_mixture(bent, name):
    """Standard errors are those of the scatter over keys, up to that of 20 batches and 25 keys."""
    network, exact = bent
    estimates = [
        getattr(frame_sample(network, 1_000, key), name)() for key in jax.random.split(KEY, 25)
    ]
    values = np.stack([estimate.value for estimate in estimates])
    errors = np.sqrt(np.mean([estimate.standard_error**2 for estimate in estimates], axis=0))
    scatter = np.sqrt(np.mean((values - exact[name]) ** 2, axis=0))
    assert np.all(scatter < 0.05 * np.max(np.abs(exact[name])))
    assert np.all(scatter < 1.6 * errors) and np.all(errors < 2 * scatter)


def test_particles_where_weights_are_uneven(trap):
    """The same density over a frame five times too narrow, in which the weights have no variance:
    the estimates are those of the particles, and the mass is the conserved one."""
    wide = trap.network(END)
    assert np.max(np.abs(wide.inner.coefficients)) < 1e-10
    excess = (1 - 1 / 5**2) / 2
    network = eqx.tree_at(
        lambda net: (net.factors, net.inner.quadratic, net.constant),
        wide,
        (
            wide.factors / 5,
            jnp.array([excess, 0.0, excess]),  # of z_1^2 - 1, z_1 z_2 and z_2^2 - 1
            wide.constant + 2 * excess - 2 * np.log(5),
        ),
    )
    x = jnp.array([1.9, 2.7])
    np.testing.assert_allclose(network(x), wide(x), atol=RTOL)
    solution = solution_of(trap.problem, network, END)
    assert not frame_sample(network, N, KEY).usable
    assert np.isinf(solution.mass(END, num_samples=N).standard_error)
    for name, exact in zip(NAMES, trap_moments(END), strict=True):
        estimate = getattr(solution, name)(END, num_samples=N)
        assert_agrees(estimate, exact, floor=RTOL)
        assert 0 < np.max(estimate.standard_error) < 0.1


def test_samples(trap, well, line):
    points, (mean, covariance, _) = trap.sample(END, N, KEY), trap_moments(END)
    assert points.shape == (N, 2)
    whitened = np.linalg.solve(np.linalg.cholesky(covariance), (np.asarray(points) - mean).T)
    # Four standard errors, and the bias of steps of 1 / 400.
    assert np.all(np.abs(whitened.mean(axis=1)) < 4 / np.sqrt(N) + 0.02)
    assert np.all(np.abs(whitened @ whitened.T / N - np.eye(2)) < 4 * np.sqrt(2 / N) + 0.02)
    walked = np.asarray(well.sample(0.8, N, KEY))[:, 0]
    assert abs(walked.mean() - line.mean(0.8)) < 4 * np.sqrt(line.variance(0.8) / N) + 0.005
    start = np.asarray(well.sample(0.0, N, KEY))
    assert abs(start.mean() + 0.4) < 4 * np.sqrt(0.15 / N)


def test_marginals_of_a_normal_density(trap):
    mean, covariance, _ = trap_moments(END)
    for axis, a in ((1, np.array([0.0, 1.0])), ([2.0, -1.0], np.array([2.0, -1.0]))):
        centre, spread = mean @ a, np.sqrt(a @ covariance @ a)
        grid = np.linspace(centre - 6 * spread, centre + 6 * spread, 61)
        estimate = trap.marginal(END, axis, grid, num_samples=300)
        exact = GaussianDensity(np.array([centre]), np.array([[spread**2]]))
        # The steps move the samples, and with them the conditional densities.
        floor = 0.01 * np.exp(exact.log_density(np.array([[centre]])))
        assert_agrees(estimate, np.exp(exact.log_density(grid[:, None])), floor=floor)
        assert abs(np.sum(estimate.value) * (grid[1] - grid[0]) - 1) < 1e-6


def test_the_marginal_on_a_line(well, line):
    grid = np.linspace(-3.0, 3.0, 241)
    estimate = well.marginal(0.8, 0, grid, num_samples=20)
    assert abs(np.sum(estimate.value) * (grid[1] - grid[0]) - 1) < 1e-8
    np.testing.assert_allclose(estimate.value, line.density(0.8, grid), rtol=0, atol=2e-3)
    assert np.max(estimate.standard_error) < 1e-10


def test_an_estimate_is_a_number():
    one = Estimate(np.array(1.25), np.array(1e-3))
    matrix = Estimate(np.array([[0.5]]), np.array([[1e-3]]))
    assert float(one) == 1.25 and np.asarray(one) == 1.25 and float(matrix) == 0.5
    assert np.asarray(matrix, dtype=np.float32).dtype == np.float32
    assert repr(one) == "Estimate(1.25 +- 1.0e-03)" and len(repr(matrix)) < 60


def test_bad_input_is_refused(trap, well):
    with pytest.raises(nivp.InputError, match="outside the solved interval"):
        trap.mean(2.0)
    with pytest.raises(nivp.InputError, match="num_samples"):
        trap.entropy(0.0, num_samples=10)
    with pytest.raises(nivp.InputError, match="`key`"):
        trap.mass(0.0, key=3)
    with pytest.raises(nivp.InputError, match="`n`"):
        trap.sample(0.0, 0, KEY)
    for axis, message in ((2, "no coordinate"), ([1.0], "`axis` has shape"), ([0, 0], "zero")):
        with pytest.raises(nivp.InputError, match=message):
            trap.marginal(0.0, axis, [1.0])
    with pytest.raises(nivp.InputError, match="`grid` has shape"):
        well.marginal(0.0, 0, [[1.0]])


def test_a_solution_that_is_no_density_is_refused(trap):
    heat = nivp.problems.Heat(domain=nivp.Torus((1.0,)), diffusivity=0.1)
    network = nivp.default_network(heat, width=4, depth=1, num_frequencies=1, key=KEY)
    for problem, message in ((heat, "no equation of a"), (trap.problem, "SinusoidalMLP")):
        solution = solution_of(problem, network, 0.0)
        for name in ("mass", *NAMES):
            with pytest.raises(nivp.InputError, match=message):
                getattr(solution, name)(0.0)
        with pytest.raises(nivp.InputError, match=message):
            solution.sample(0.0, 10, KEY)
        with pytest.raises(nivp.InputError, match=message):
            solution.marginal(0.0, 0, [0.0])
