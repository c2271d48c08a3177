"""Densities of Fokker-Planck equations against closed forms, other solvers and Monte Carlo."""

import numpy as np
import pytest
from scipy.linalg import expm

from neural_ivp.references import (
    GaussianDensity,
    LineDensity,
    PlaneDensity,
    RotatedProduct,
    fokker_planck_moments,
    gaussian_density,
    linear_moments,
)
from neural_ivp.references._finite_volumes import TwoGrids

DIFFUSION = 0.2


def normal(mean, variance):
    return lambda y: np.exp(-((y - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)


def two_bumps(y):
    return 0.5 * normal(-1.0, 0.1)(y) + 0.5 * normal(0.8, 0.15)(y)


def well_drift(y):
    return y * (1 - y * y)


def coupled_wells(y, z):
    return ((y**2 - 1) ** 2 + (z**2 - 1) ** 2 + (y - z) ** 2) / 4


def well_line(initial, cells=400):
    return LineDensity(well_drift, DIFFUSION, initial, -4.0, 4.0, cells=cells)


def pairs(axis):
    return np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)


def where_it_matters(exact, decades):
    return exact > exact.max() - decades * np.log(10.0)


# ------------------------------------------------------------------------- linear drift

MATRIX = np.array([[-1.0, 0.4, 0.0], [-0.7, -0.5, 0.2], [0.1, 0.0, -0.8]])
SPREAD = np.array([[0.3, 0.1, 0.0], [0.1, 0.2, 0.05], [0.0, 0.05, 0.4]])


def test_linear_moments_with_constant_offset_are_matrix_exponentials():
    offset, mean0, covariance0, t = np.array([0.5, -0.2, 0.1]), np.array([1.0, 0, -1]), SPREAD, 1.3
    means, covariances = linear_moments(
        [0.5, t + 0.5], matrix=MATRIX, offset=lambda t: offset, diffusion=0.5 * SPREAD,
        mean0=mean0, covariance0=covariance0, t0=0.5,
    )  # fmt: skip
    np.testing.assert_array_equal(means[0], mean0)
    np.testing.assert_array_equal(covariances[0], covariance0)
    flow, fixed = expm(t * MATRIX), -np.linalg.solve(MATRIX, offset)
    np.testing.assert_allclose(means[1], fixed + flow @ (mean0 - fixed), rtol=1e-10)
    # Van Loan: int_0^t e^(sA) 2D e^(sA^T) ds from one exponential of twice the order.
    block = expm(t * np.block([[-MATRIX, SPREAD], [np.zeros((3, 3)), MATRIX.T]]))
    noise = block[3:, 3:].T @ block[:3, 3:]
    np.testing.assert_allclose(covariances[1], flow @ covariance0 @ flow.T + noise, atol=1e-11)


def test_linear_moments_agree_with_the_harmonic_trap():
    d, alpha, beta = 4, 0.6, 5.0
    mean0 = np.linspace(-1, 1, d)
    theirs = fokker_planck_moments(
        [0.4, 1.1], dimension=d, mean0=mean0, variance0=0.3, alpha=alpha, beta=beta, drift=np.sin
    )
    ours = linear_moments(
        [0.4, 1.1], matrix=-(1 + alpha) * np.eye(d) + alpha / d,
        offset=lambda t: np.full(d, np.sin(t)), diffusion=np.eye(d) / beta,
        mean0=mean0, covariance0=0.3 * np.eye(d),
    )  # fmt: skip
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-11)


def test_gaussian_density():
    density = GaussianDensity(np.array([1.0, 0.0, -1.0]), SPREAD)
    points = np.random.default_rng(0).multivariate_normal(density.mean, SPREAD, 20000)
    logs = density.log_density(points)
    exact = gaussian_density(points, density.mean, SPREAD)
    np.testing.assert_allclose(np.exp(logs), exact, rtol=1e-12)
    error = np.std(logs) / np.sqrt(len(logs))
    assert abs(density.entropy() + logs.mean()) < 4 * error
    assert np.all(np.isfinite(density.log_density(np.full((1, 3), 1e3))))


# ------------------------------------------------------------------------- line


@pytest.mark.parametrize("t", [0.0, 0.5, 3.0])
def test_line_ornstein_uhlenbeck(t):
    line = LineDensity(lambda y: -y, DIFFUSION, normal(0.9, 0.15), -4.0, 4.5, cells=800)
    mean, variance = 0.9 * np.exp(-t), DIFFUSION + (0.15 - DIFFUSION) * np.exp(-2 * t)
    exact = GaussianDensity(np.array([mean]), np.array([[variance]]))
    y = np.linspace(-3.9, 4.4, 997)
    logs = exact.log_density(y[:, None])
    seen = where_it_matters(logs, 8)
    np.testing.assert_allclose(line.log_density(t, y)[seen], logs[seen], rtol=0, atol=1e-5)
    assert 0.5 * np.sum(np.abs(line.density(t, y) - np.exp(logs))) * (y[1] - y[0]) < 1e-7
    moments = [line.mean(t), line.variance(t), line.entropy(t)]
    np.testing.assert_allclose(moments, [mean, variance, exact.entropy()], rtol=0, atol=1e-7)


def test_line_relaxation_agrees_with_a_finer_grid():
    lines = [
        LineDensity(
            lambda x: 0.5 * x - 0.5 * x**3, 0.125, normal(0.5, 0.01), -3.0, 3.0, cells=cells
        )
        for cells in (400, 500)
    ]
    y = np.linspace(-3.0, 3.0, 601)
    coarse, fine = (line.log_density(20.0, y) for line in lines)
    seen = where_it_matters(fine, 8)
    np.testing.assert_allclose(coarse[seen], fine[seen], rtol=0, atol=1e-6)


@pytest.mark.parametrize("initial", [normal(0.9, 0.15), two_bumps], ids=["one", "two"])
def test_line_keeps_its_mass_and_sign(initial):
    line, y = well_line(initial), np.linspace(-4.0, 4.0, 3001)
    for t in (3.0, 0.0, 1.0):
        density = line.density(t, y)
        assert np.all(density > 0.0)
        assert abs(np.sum(density) * (y[1] - y[0]) - 1.0) < 1e-8


def test_line_stationary_double_well():
    y = np.linspace(-4.0, 4.0, 20001)
    weight = np.sum(np.exp(-((y**2 - 1) ** 2) / (4 * DIFFUSION))) * (y[1] - y[0])

    def log_stationary(y):
        return -((y**2 - 1) ** 2) / (4 * DIFFUSION) - np.log(weight)

    line = well_line(lambda y: np.exp(log_stationary(y)))
    y = np.linspace(-3, 3, 241)
    np.testing.assert_allclose(line.log_density(5.0, y), log_stationary(y), rtol=0, atol=1e-6)
    late = well_line(normal(-0.4, 0.15), cells=100).log_density(120.0, y)
    np.testing.assert_allclose(late, log_stationary(y), rtol=0, atol=1e-5)


def test_line_times_in_any_order():
    forward, back = well_line(two_bumps, cells=200), well_line(two_bumps, cells=200)
    y = np.linspace(-2.5, 2.5, 51)
    first = [forward.log_density(t, y) for t in (0.3, 1.0, 3.0)]
    second = [back.log_density(t, y) for t in (3.0, 1.0, 0.3)][::-1]
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-9)


def test_orders_of_the_grid_and_of_the_extrapolation():
    exact = GaussianDensity(np.array([0.9 * np.exp(-1)]), np.array([[0.2 - 0.05 * np.exp(-2)]]))
    errors = []
    for cells in (128, 256, 512):
        grids = TwoGrids(
            [-4.0], [4.5], cells, DIFFUSION,
            lambda axes: [-np.diff(axes[0] ** 2) / (2 * DIFFUSION)], normal(0.9, 0.15),
        )  # fmt: skip
        logs = exact.log_density(grids.axes[0][:, None])
        seen = where_it_matters(logs, 4)
        both = [grids.log_density(1.0, extrapolate=flag) - logs for flag in (False, True)]
        errors.append([np.abs(error[seen]).max() for error in both])
    slopes = np.log2(np.divide(errors[:-1], errors[1:]))
    assert np.all(np.abs(slopes[:, 0] - 2.0) < 0.15), slopes
    assert np.all(np.abs(slopes[:, 1] - 4.0) < 0.4), slopes


def euler_maruyama(drift, start, t, steps, rng):
    y, step = start, t / steps
    for _ in range(steps):
        y = y + step * drift(y) + np.sqrt(2 * DIFFUSION * step) * rng.standard_normal(y.shape)
    return y


def test_line_moments_by_monte_carlo():
    rng = np.random.default_rng(1)
    start = -0.4 + np.sqrt(0.15) * rng.standard_normal(50_000)
    y, line, n = (
        euler_maruyama(well_drift, start, 1.5, 600, rng),
        well_line(normal(-0.4, 0.15)),
        5e4,
    )
    assert abs(y.mean() - line.mean(1.5)) < 4 * y.std() / np.sqrt(n)
    squares = (y - y.mean()) ** 2
    assert abs(squares.mean() - line.variance(1.5)) < 4 * squares.std() / np.sqrt(n)
    expected = line.log_density(1.5, y)
    assert abs(expected.mean() + line.entropy(1.5)) < 4 * expected.std() / np.sqrt(n)


def test_line_samples():
    line, n = well_line(two_bumps), 100_000
    y = np.sort(line.sample(1.0, n, np.random.default_rng(2)))
    assert abs(y.mean() - line.mean(1.0)) < 4 * np.sqrt(line.variance(1.0) / n)
    nodes = np.linspace(-4, 4, 8001)
    share = np.cumsum(line.density(1.0, nodes)) * (nodes[1] - nodes[0])
    distance = np.abs(np.interp(y, nodes, share) - (np.arange(n) + 0.5) / n).max()
    assert distance < 2.0 / np.sqrt(n)  # Kolmogorov: one in 1500 is larger


# ------------------------------------------------------------------------- plane


def test_plane_ornstein_uhlenbeck():
    stiffness, mean0, t = np.array([[1.2, -0.5], [-0.5, 0.9]]), np.array([0.6, -0.3]), 0.7
    plane = PlaneDensity(
        lambda y, z: 0.6 * y**2 - 0.5 * y * z + 0.45 * z**2, DIFFUSION,
        lambda y, z: normal(0.6, 0.15)(y) * normal(-0.3, 0.2)(z),
        (-3.0, -4.0), (4.0, 3.5), cells=160,
    )  # fmt: skip
    means, covariances = linear_moments(
        [t], matrix=-stiffness, offset=lambda t: np.zeros(2), diffusion=DIFFUSION * np.eye(2),
        mean0=mean0, covariance0=np.diag([0.15, 0.2]),
    )  # fmt: skip
    exact, points = GaussianDensity(means[0], covariances[0]), pairs(np.linspace(-3, 3, 101))
    logs = exact.log_density(points)
    seen = where_it_matters(logs, 6)
    np.testing.assert_allclose(plane.log_density(t, points)[seen], logs[seen], rtol=0, atol=1e-3)
    assert abs(plane.entropy(t) - exact.entropy()) < 1e-5
    y = np.linspace(-2, 2, 41)
    for axis in (0, 1):
        marginal = normal(means[0, axis], covariances[0, axis, axis])(y)
        np.testing.assert_allclose(plane.marginal(t, axis, y), marginal, rtol=0, atol=1e-5)
    # Far outside the box the logarithm goes on falling.
    outside = plane.log_density(t, np.array([[6.0, 0.0], [7.0, 0.0], [6.0, 9.0]]))
    assert outside[0] > outside[1] and outside[0] > outside[2]


def test_plane_without_coupling_is_a_product_of_lines():
    def potential(y, z):
        return ((y**2 - 1) ** 2 + (z**2 - 1) ** 2) / 4

    first, second = normal(-0.4, 0.15), normal(0.9, 0.15)
    plane = PlaneDensity(
        potential, DIFFUSION, lambda y, z: first(y) * second(z), (-3.4, -2.6), (3.1, 3.8), cells=200
    )
    lines, points = [well_line(first), well_line(second)], pairs(np.linspace(-2.5, 2.5, 101))
    logs = lines[0].log_density(1.0, points[:, 0]) + lines[1].log_density(1.0, points[:, 1])
    seen = where_it_matters(logs, 6)
    np.testing.assert_allclose(plane.log_density(1.0, points)[seen], logs[seen], rtol=0, atol=1e-3)


@pytest.fixture(scope="module")
def wells():
    first, second = normal(-0.4, 0.15), normal(0.9, 0.15)
    return PlaneDensity(
        coupled_wells, DIFFUSION, lambda y, z: first(y) * second(z),
        (-3.4, -2.6), (3.1, 3.8), cells=160,
    )  # fmt: skip


def test_plane_stationary_coupled_wells():
    """exp(-V / D) is stationary without error at the nodes, so that a coarse grid will do."""
    plane = PlaneDensity(
        coupled_wells, DIFFUSION, lambda y, z: normal(0.3, 0.15)(y) * normal(-0.3, 0.15)(z),
        (-3.2, -3.2), (3.2, 3.2), cells=64,
    )  # fmt: skip
    nodes = pairs(np.linspace(-3.2, 3.2, 65))
    logs = -coupled_wells(*nodes.T) / DIFFUSION
    exact = logs - np.log(np.sum(np.exp(logs)) * 0.1**2)
    seen = where_it_matters(exact, 10)
    late = plane.log_density(40.0, nodes)
    assert abs(np.sum(np.exp(late)) * 0.1**2 - 1.0) < 1e-12
    np.testing.assert_allclose(late[seen], exact[seen], rtol=0, atol=1e-5)


def test_plane_and_its_samples_by_monte_carlo(wells):
    def drift(y):
        return well_drift(y) - 0.5 * (y - y[::-1])

    rng, n, t = np.random.default_rng(3), 30_000, 1.0
    start = np.array([[-0.4], [0.9]]) + np.sqrt(0.15) * rng.standard_normal((2, n))
    walked = euler_maruyama(drift, start, t, 400, rng).T
    drawn, points = wells.sample(t, n, rng), pairs(np.linspace(-2.6, 3.1, 401))
    masses = wells.density(t, points) * (5.7 / 400) ** 2
    assert drawn.shape == (n, 2) and abs(masses.sum() - 1.0) < 1e-5
    for function in (
        lambda y: y[:, 0], lambda y: y[:, 1], lambda y: y[:, 0] * y[:, 1],
        lambda y: y[:, 0] ** 2, lambda y: y[:, 1] ** 2,
    ):  # fmt: skip
        for sample in (walked, drawn):
            values = function(sample)
            error = abs(values.mean() - masses @ function(points))
            assert error < 4 * values.std() / np.sqrt(n)
    logs = wells.log_density(t, drawn)
    assert abs(logs.mean() + wells.entropy(t)) < 4 * logs.std() / np.sqrt(n)


# ------------------------------------------------------------------------- product


def test_rotated_product_of_normal_factors():
    t, means0, rng = 0.8, np.array([0.3, -0.4, 0.6, -0.2]), np.random.default_rng(4)
    stiffness = np.diag([1.0, 1.2, 0.7, 0.9])
    stiffness[1, 3] = stiffness[3, 1] = -0.5
    lines = [
        LineDensity(
            lambda y, k=k: -stiffness[k, k] * y,
            DIFFUSION,
            normal(means0[k], 0.15),
            -4,
            4,
            cells=400,
        )
        for k in (2, 0)
    ]
    plane = PlaneDensity(  # its first axis is y_3
        lambda y, z: 0.45 * y**2 - 0.5 * y * z + 0.6 * z**2, DIFFUSION,
        lambda y, z: normal(-0.2, 0.15)(y) * normal(-0.4, 0.15)(z),
        (-3.6, -3.8), (3.6, 3.4), cells=160,
    )  # fmt: skip
    rotation = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    product = RotatedProduct([lines[0], plane, lines[1]], rotation, [(2,), (3, 1), (0,)])
    means, covariances = linear_moments(
        [t], matrix=-rotation @ stiffness @ rotation.T, offset=lambda t: np.zeros(4),
        diffusion=DIFFUSION * np.eye(4), mean0=rotation @ means0, covariance0=0.15 * np.eye(4),
    )  # fmt: skip
    exact, n = GaussianDensity(means[0], covariances[0]), 50_000
    x = rng.multivariate_normal(means[0], covariances[0], 2000)
    np.testing.assert_allclose(product.log_density(t, x), exact.log_density(x), rtol=0, atol=1e-3)
    assert abs(product.entropy(t) - exact.entropy()) < 1e-5
    y, hidden_mean = np.linspace(-2, 2, 31), rotation.T @ means[0]
    hidden = rotation.T @ covariances[0] @ rotation
    for k in range(4):
        marginal = normal(hidden_mean[k], hidden[k, k])(y)
        np.testing.assert_allclose(product.marginal(t, k, y), marginal, rtol=0, atol=1e-5)
    drawn = product.sample(t, n, rng)
    assert drawn.shape == (n, 4)
    whitened = np.linalg.solve(np.linalg.cholesky(covariances[0]), (drawn - means[0]).T)
    assert np.all(np.abs(whitened.mean(axis=1)) < 4 / np.sqrt(n))
    assert np.all(np.abs(whitened @ whitened.T / n - np.eye(4)) < 4 * np.sqrt(2 / n))


# ------------------------------------------------------------------------- bad input


def test_bad_input_is_refused():
    line = well_line(normal(0.0, 0.15), cells=64)
    with pytest.raises(ValueError, match="mass of initial"):
        LineDensity(well_drift, DIFFUSION, normal(0.0, 0.15), -0.5, 4.0)
    with pytest.raises(ValueError, match="reaches the ends"):
        LineDensity(lambda y: 0 * y, 1.0, normal(0.0, 0.1), -2.5, 2.5, cells=64).mean(2.0)
    with pytest.raises(ValueError, match="below upper"):
        LineDensity(well_drift, DIFFUSION, two_bumps, 4.0, -4.0)
    with pytest.raises(ValueError, match="must be even"):
        well_line(two_bumps, cells=101)
    with pytest.raises(ValueError, match="not finite"):
        LineDensity(lambda y: np.where(y > 0, np.inf, 0), DIFFUSION, two_bumps, -4, 4)
    with pytest.raises(ValueError, match="not negative"):
        well_line(lambda y: y)
    with pytest.raises(ValueError, match="starts at t = 0"):
        line.density(-1.0, np.zeros(1))
    with pytest.raises(ValueError, match="orthogonal"):
        RotatedProduct([line], np.array([[2.0]]), [(0,)])
    for blocks in ([(1,)], [(0, 1)], []):
        with pytest.raises(ValueError, match="block"):
            RotatedProduct([line], np.eye(1), blocks)
    with pytest.raises(ValueError, match="no coordinate"):
        RotatedProduct([line], np.eye(1), [(0,)]).marginal(0.0, 1, np.zeros(1))
    with pytest.raises(ValueError, match="symmetric"):
        GaussianDensity(np.zeros(2), np.array([[1.0, 0.5], [0.0, 1.0]]))
    with pytest.raises(ValueError, match="positive definite"):
        GaussianDensity(np.zeros(2), np.array([[1.0, 2.0], [2.0, 1.0]]))
    good = {"matrix": np.eye(2), "offset": lambda t: np.zeros(2), "diffusion": np.eye(2)}
    good |= {"mean0": np.zeros(2), "covariance0": np.eye(2)}
    for bad in (
        {"matrix": np.eye(3)}, {"offset": lambda t: 0.0}, {"diffusion": -np.eye(2)},
        {"covariance0": MATRIX[:2, :2]},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="must"):
            linear_moments([1.0], **(good | bad))
