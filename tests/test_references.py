"""The reference solutions against closed forms, equivalent equations and other schemes."""

import ast
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import neural_ivp.references as references
from neural_ivp.references import (
    FourierReference,
    SineSeries,
    fokker_planck_moments,
    fokker_planck_solution,
    gaussian_density,
)

TWO_PI = 2.0 * np.pi
assert_close = partial(np.testing.assert_allclose, rtol=0.0)


def test_references_import_numpy_and_scipy_only():
    for path in Path(references.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [] if node.level == 1 else [node.module or "parent package"]
            else:
                continue
            allowed = {"numpy", "scipy", "collections", "functools", "bisect"}
            assert {n.split(".")[0] for n in names} <= allowed, path


# ---------------------------------------------------------------- sine series


def _mode(lower, upper, k):
    """prod_i sin(k_i pi (x_i - l_i) / L_i) and its eigenvalue."""
    lower, upper, k = (np.asarray(a, dtype=float) for a in (lower, upper, k))

    def function(points):
        return np.prod(np.sin(np.pi * k * (points - lower) / (upper - lower)), axis=1)

    return function, np.sum((np.pi * k / (upper - lower)) ** 2)


BOXES = [
    ([-1.0], [2.0], [3]),
    ([0.0, -1.0], [1.0, 0.5], [2, 5]),
    ([0.0, -1.0, 1.0], [1.0, 1.0, 1.5], [1, 3, 2]),
]


@pytest.mark.parametrize(("lower", "upper", "k"), BOXES)
def test_single_mode(lower, upper, k):
    function, eigenvalue = _mode(lower, upper, k)
    series = SineSeries(lower, upper, function, num_modes=24)
    points = np.random.default_rng(0).uniform(lower, upper, (500, len(lower)))
    exact, omega = function(points), np.sqrt(0.3 * eigenvalue)
    for t in (0.0, 0.7, 5.0):
        u, v = series.wave(0.3, t, points)
        assert_close(u, np.cos(omega * t) * exact, atol=1e-12)
        assert_close(v, -omega * np.sin(omega * t) * exact, atol=1e-11)
        heat = series.heat(0.05, t, points)
        assert_close(heat, np.exp(-0.05 * eigenvalue * t) * exact, atol=1e-12)


def test_superposition_in_three_dimensions_tells_the_axes_apart():
    first, lam1 = _mode([0, 0, 0], [1, 2, 3], [1, 2, 4])
    second, lam2 = _mode([0, 0, 0], [1, 2, 3], [5, 1, 2])
    series = SineSeries([0, 0, 0], [1, 2, 3], lambda x: first(x) - 2 * second(x), num_modes=16)
    points = np.random.default_rng(1).uniform(0, [1, 2, 3], (40000, 3))  # several chunks
    exact = np.exp(-0.01 * lam1) * first(points) - 2 * np.exp(-0.01 * lam2) * second(points)
    assert_close(series.heat(0.01, 1.0, points), exact, atol=1e-12)


def test_wave_is_dalembert_before_reflection():
    def pulse(x):
        return np.exp(-((x - 0.1) ** 2) / (2 * 0.05**2))

    def slope(x):
        return -(x - 0.1) / 0.05**2 * pulse(x)

    series = SineSeries([-1.0], [1.0], lambda p: pulse(p[:, 0]), num_modes=192)
    x, speed, t = np.linspace(-1.0, 1.0, 401), 0.5, 0.8
    u, v = series.wave(speed**2, t, x[:, None])
    left, right = x + speed * t, x - speed * t
    assert_close(u, 0.5 * (pulse(left) + pulse(right)), atol=1e-12)
    assert_close(v, 0.5 * speed * (slope(left) - slope(right)), atol=1e-10)


def _bump(points):
    return np.exp(-np.sum(points**2, axis=1) / (2 * 0.05**2)) / (2 * np.pi * 0.05**2) / 30


def test_bump_does_not_depend_on_the_number_of_modes():
    points = np.random.default_rng(2).uniform(-1, 1, (3000, 2))
    coarse = SineSeries([-1, -1], [1, 1], _bump)
    fine = SineSeries([-1, -1], [1, 1], _bump, num_modes=192)
    for t in (0.0, 1.0, 4.0, 20.0):
        for a, b in zip(coarse.wave(0.1, t, points), fine.wave(0.1, t, points), strict=True):
            assert_close(a, b, atol=1e-10 * max(np.abs(b).max(), 1e-3))
    assert_close(coarse.wave(0.1, 0.0, points)[0], _bump(points), atol=1e-12)


def test_wave_conserves_energy_through_reflections():
    """0.5 int v^2 + c2 |grad u|^2, by Gauss points and differences of the returned u and v."""
    series = SineSeries([-1, -1], [1, 1], lambda p: np.exp(-np.sum(p**2, axis=1) / 0.045))
    x, weights = np.polynomial.legendre.leggauss(80)
    points = np.stack(np.meshgrid(x, x, indexing="ij"), axis=-1).reshape(-1, 2)
    h = 1e-4  # the stencil stays inside the box

    def energy(t):
        density = series.wave(0.1, t, points)[1] ** 2
        for step in h * np.eye(2):
            shifted = [series.wave(0.1, t, points + m * step)[0] for m in (-2, -1, 1, 2)]
            density += 0.1 * (np.tensordot([1, -8, 8, -1], shifted, 1) / (12 * h)) ** 2
        return 0.5 * weights @ density.reshape(80, 80) @ weights

    # 0.05 int |grad u0|^2 = 0.05 pi for exp(-r^2 / w), whatever w (Dirichlet energy in 2-D)
    np.testing.assert_allclose([energy(t) for t in (0.0, 1.2, 4.0, 9.0)], 0.05 * np.pi, rtol=1e-8)


def test_sine_series_rejects_bad_input():
    function = _mode([0, 0], [1, 1], [1, 1])[0]
    with pytest.raises(ValueError, match="num_modes"):
        SineSeries([-1, -1], [1, 1], _bump, num_modes=48)
    with pytest.raises(ValueError, match="not zero on the boundary"):
        SineSeries([0.0], [1.0], lambda p: np.ones(len(p)))
    with pytest.raises(ValueError, match="below upper"):
        SineSeries([0, 1], [1, 1], function)
    with pytest.raises(ValueError, match="shape"):
        SineSeries([0, 0], [1], function)
    with pytest.raises(ValueError, match=r"\[n\]"):
        SineSeries([0, 0], [1, 1], lambda p: p, num_modes=8)
    with pytest.raises(ValueError, match="not finite"):
        SineSeries([0, 0], [1, 1], lambda p: np.full(len(p), np.nan), num_modes=8)
    series = SineSeries([0, 0], [1, 1], function, num_modes=8)
    with pytest.raises(ValueError, match="outside the box"):
        series.heat(1.0, 0.1, np.array([[0.5, 0.5], [0.5, 1.01]]))
    with pytest.raises(ValueError, match=r"\[n, 2\]"):
        series.wave(1.0, 0.1, np.zeros((4, 3)))
    with pytest.raises(ValueError, match="negative"):
        series.heat(1.0, -0.1, np.zeros((4, 2)))
    with pytest.raises(ValueError, match="negative"):
        series.wave(-1.0, 0.1, np.zeros((4, 2)))
    assert series.heat(1.0, 0.1, np.zeros((0, 2))).shape == (0,)


# ---------------------------------------------------------------- Gaussian


def _drift(t):
    return 1.25 * (np.sin(np.pi * t) + 1.5)


def _problem(d):
    mean0 = np.random.default_rng(3).uniform(-0.5, 1.0, d)
    return dict(dimension=d, mean0=mean0, variance0=0.1, alpha=0.5, beta=20.0, drift=_drift, t0=0.0)


@pytest.mark.parametrize("d", [1, 2, 8])
def test_moments_obey_the_second_moment_equation(d):
    problem = _problem(d)
    alpha, beta, one = 0.5, 20.0, np.ones((d, 1))

    def rate(t, state):
        m, s = state[:d, None], state[d:].reshape(d, d)
        m_rate = -(1 + alpha) * m + (_drift(t) + alpha * m.mean()) * one
        s_rate = (
            -2 * (1 + alpha) * s
            + _drift(t) * (m @ one.T + one @ m.T)
            + alpha / d * (s @ one @ one.T + one @ one.T @ s)
            + 2 / beta * np.eye(d)
        )
        return np.concatenate([m_rate.ravel(), s_rate.ravel()])

    ts = np.array([0.0, 0.3, 1.0, 4.0])
    m0 = problem["mean0"]
    start = np.concatenate([m0, (0.1 * np.eye(d) + np.outer(m0, m0)).ravel()])
    other = solve_ivp(rate, (0, 4), start, "Radau", t_eval=ts, rtol=1e-10, atol=1e-12).y.T
    means, covariances = fokker_planck_moments(ts, **problem)
    second = covariances + means[:, :, None] * means[:, None, :]
    assert_close(means, other[:, :d], atol=1e-7)
    assert_close(second.reshape(len(ts), -1), other[:, d:], atol=1e-7)


def test_covariance_and_mean_against_closed_forms():
    """Along 1 the rate is -1, across it -(1 + alpha); the mean of m obeys y' = -y + a(t)."""
    ts, problem = np.array([0.0, 0.5, 2.0]), _problem(4)
    means, covariances = fokker_planck_moments(ts, **problem)
    along = np.full((4, 4), 0.25)
    for t, covariance in zip(ts, covariances, strict=True):
        p, q = (0.05 / r + (0.1 - 0.05 / r) * np.exp(-2 * r * t) for r in (1.0, 1.5))
        assert_close(covariance, p * along + q * (np.eye(4) - along), atol=1e-12)
    forced = np.sin(np.pi * ts) - np.pi * np.cos(np.pi * ts) + np.pi * np.exp(-ts)
    average = problem["mean0"].mean() * np.exp(-ts) + 1.875 * (1 - np.exp(-ts))
    assert_close(means.mean(1), average + 1.25 * forced / (1 + np.pi**2), atol=1e-11)


def test_density_solves_the_fokker_planck_equation():
    problem, t, h = _problem(2), 0.6, 2e-3
    u = fokker_planck_solution(**problem)
    mean = fokker_planck_moments([t], **problem)[0][0]
    points = mean + 0.3 * np.random.default_rng(4).standard_normal((200, 2))

    def deviations_from_mean(function):  # fourth-order first difference of s -> function(s)
        return (8 * (function(h) - function(-h)) - function(2 * h) + function(-2 * h)) / (12 * h)

    def flux(p, i):
        return (p[:, i] - _drift(t) + 0.5 * (p[:, i] - p.mean(axis=1))) * u(t, p)

    right = np.zeros(len(points))
    for i, step in enumerate(np.eye(2)):
        right += deviations_from_mean(lambda s, i=i, step=step: flux(points + s * step, i))
        shifted = [u(t, points + m * h * step) for m in (-2, -1, 0, 1, 2)]
        right += np.tensordot([-1, 16, -30, 16, -1], shifted, 1) / (12 * h**2) / 20.0
    left = deviations_from_mean(lambda s: u(t + s, points))
    assert np.abs(left).max() > 1.0
    assert_close(left, right, atol=1e-6 * np.abs(left).max())


def test_gaussian_density():
    covariance = np.array([[0.5, 0.2, 0.0], [0.2, 0.3, -0.1], [0.0, -0.1, 0.4]])
    mean = np.array([1.0, -2.0, 0.5])
    points = np.random.default_rng(5).standard_normal((50, 3))
    offset = points - mean
    exponent = -0.5 * np.sum(offset * np.linalg.solve(covariance, offset.T).T, axis=1)
    expected = np.exp(exponent) / np.sqrt(TWO_PI**3 * np.linalg.det(covariance))
    np.testing.assert_allclose(gaussian_density(points, mean, covariance), expected, rtol=1e-11)
    x = np.linspace(-6, 6, 121)
    grid = np.stack(np.meshgrid(x, x), axis=-1).reshape(-1, 2)
    total = gaussian_density(grid, np.zeros(2), covariance[:2, :2]).sum() * 0.1**2
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)


def test_gaussian_rejects_bad_input():
    problem = _problem(2)
    for change, words in [
        (dict(mean0=np.zeros(3)), "mean0"),
        (dict(variance0=-1.0), "positive"),
        (dict(beta=0.0), "positive"),
        (dict(t0=1.0), "t0"),
    ]:
        with pytest.raises(ValueError, match=words):
            fokker_planck_moments([0.0, 0.5], **{**problem, **change})
    with pytest.raises(ValueError, match="decrease"):
        fokker_planck_moments([0.5, 0.2], **problem)
    with pytest.raises(ValueError, match="positive definite"):
        gaussian_density(np.zeros((1, 2)), np.zeros(2), -np.eye(2))
    with pytest.raises(ValueError, match="symmetric"):
        gaussian_density(np.zeros((1, 2)), np.zeros(2), np.array([[1.0, 0.5], [0.0, 1.0]]))
    with pytest.raises(ValueError, match=r"\[n, 2\]"):
        gaussian_density(np.zeros((1, 3)), np.zeros(2), np.eye(2))


# ---------------------------------------------------------------- Fourier


def _laplacian(coefficient):
    return lambda k: -coefficient * sum(ki**2 for ki in k)


def test_fourier_heat_is_exact_in_two_dimensions():
    def solution(t, p):
        x, y = p[:, 0] + 1.0, np.pi * p[:, 1]
        decay = np.exp(-0.3 * t * (9 + np.pi**2 * 4))
        return 1.5 + decay * np.cos(3 * x) * np.sin(2 * y) + np.exp(-0.3 * t * np.pi**2) * np.cos(y)

    lengths, lower = [TWO_PI, 2.0], [-1.0, 0.5]
    reference = FourierReference(
        lengths, lower, lambda p: solution(0.0, p), _laplacian(0.3), num_modes=32
    )
    points = np.random.default_rng(6).uniform(-9, 9, (300, 2))  # the torus wraps
    values = reference.evaluate([0.0, 0.05, 0.4], points)
    for t, value in zip([0.0, 0.05, 0.4], values, strict=True):
        assert_close(value, solution(t, points), atol=1e-12)


def test_fourier_advection_symbol():
    def initial(p):
        return np.exp(np.cos(p[:, 0]))

    reference = FourierReference(
        [TWO_PI], [0.0], initial, lambda k: -0.7j * k[0], lambda u, derivative: 0.0 * u, 64
    )
    points = np.linspace(0, TWO_PI, 50)[:, None]
    value = reference.evaluate([3.0], points, num_steps=5)[0]
    assert_close(value, initial(points - 2.1), atol=1e-12)


def test_fisher_kpp_against_finite_differences_and_method_of_lines():
    reference = FourierReference(
        [TWO_PI], [0.0], lambda p: np.exp(-10 * (p[:, 0] - np.pi) ** 2),
        _laplacian(0.1), lambda u, derivative: u * (1 - u), 192,
    )  # fmt: skip
    n, ts = 256, [1.0, 4.0]
    x, weights = TWO_PI * np.arange(n) / n, [-1 / 560, 8 / 315, -1 / 5, 8 / 5]
    spacing = TWO_PI / n

    def rate(_, u):
        second = -205 / 72 * u
        for shift, weight in zip([4, 3, 2, 1], weights, strict=True):
            second = second + weight * (np.roll(u, shift) + np.roll(u, -shift))
        return 0.1 * second / spacing**2 + u * (1 - u)

    start = np.exp(-10 * (x - np.pi) ** 2)
    other = solve_ivp(rate, (0, 4), start, "DOP853", t_eval=ts, rtol=1e-9, atol=1e-11).y.T
    ours = reference.evaluate(ts, x[:, None], num_steps=400)
    assert_close(ours, other, atol=1e-8)
    finer = reference.evaluate(ts, x[:, None], num_steps=800)
    assert_close(ours, finer, atol=4e-10)


def _burgers(t, x, viscosity=0.1):
    """Cole-Hopf: u = -2 nu phi_x / phi with phi = 2 + exp(-nu t) cos x."""
    decay = np.exp(-viscosity * t)
    return 2 * viscosity * decay * np.sin(x) / (2 + decay * np.cos(x))


def test_burgers_against_cole_hopf():
    reference = FourierReference(
        [TWO_PI], [0.0], lambda p: _burgers(0.0, p[:, 0]),
        _laplacian(0.1), lambda u, derivative: -0.5 * derivative(u * u), 128,
    )  # fmt: skip
    x = np.linspace(-4, 8, 101)
    values = reference.evaluate([0.5, 3.0], x[:, None], num_steps=200)
    for t, value in zip([0.5, 3.0], values, strict=True):
        assert_close(value, _burgers(t, x), atol=1e-11)


def test_oblique_burgers_in_two_dimensions():
    """u = w(2 t, x + y) solves u_t + u (u_x + u_y) = nu Lap u if w solves Burgers with nu."""
    reference = FourierReference(
        [TWO_PI, TWO_PI], [0.0, 0.0], lambda p: _burgers(0.0, p.sum(axis=1)),
        _laplacian(0.1), lambda u, D: -u * (D(u, 0) + D(u, axis=1)), 64,
    )  # fmt: skip
    points = np.random.default_rng(7).uniform(0, TWO_PI, (300, 2))
    value = reference.evaluate([1.0], points, num_steps=50)[0]
    assert_close(value, _burgers(2.0, points.sum(axis=1)), atol=1e-9)


def test_allen_cahn_time_stepping_has_order_four():
    reference = FourierReference(
        [TWO_PI], [0.0], lambda p: 0.5 * np.sin(p[:, 0]) + 0.3 * np.cos(2 * p[:, 0]),
        lambda k: -0.05 * k[0] ** 2 + 1.0, lambda u, derivative: -(u**3), 192,
    )  # fmt: skip
    fine = reference.solve([2.0], num_steps=1600)
    errors = [np.abs(reference.solve([2.0], num_steps=n) - fine).max() for n in (20, 40, 80)]
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    assert np.all((orders > 3.7) & (orders < 4.4)), (errors, orders)


def test_output_times_do_not_change_the_solution():
    reference = FourierReference(
        [TWO_PI], [0.0], lambda p: _burgers(0.0, p[:, 0]),
        _laplacian(0.1), lambda u, derivative: -u * derivative(u), 96,
    )  # fmt: skip
    many = reference.solve(np.linspace(0, 1, 11), num_steps=100)
    assert many.shape == (11, 96)
    assert_close(many[-1], reference.solve([1.0], num_steps=100)[0], atol=1e-12)
    assert_close(many[0], _burgers(0.0, reference.axes[0]), atol=1e-13)
    uneven = reference.solve([0.137, 0.137, 1.0], num_steps=100)
    np.testing.assert_array_equal(uneven[0], uneven[1])
    assert_close(uneven[-1], many[-1], atol=1e-10)


def test_fourier_rejects_bad_input():
    def narrow(p):
        return np.exp(-1000 * (p[:, 0] - np.pi) ** 2)

    def smooth(p):
        return np.sin(p[:, 0])

    with pytest.raises(ValueError, match="Raise num_modes"):
        FourierReference([TWO_PI], [0.0], narrow, _laplacian(0.1), num_modes=128)
    with pytest.raises(ValueError, match="not periodic"):
        FourierReference([1.0], [0.0], smooth, _laplacian(0.1))
    with pytest.raises(ValueError, match="d = 1 or 2"):
        FourierReference([1.0] * 3, [0.0] * 3, smooth, _laplacian(0.1), num_modes=8)
    with pytest.raises(ValueError, match="positive"):
        FourierReference([-1.0], [0.0], smooth, _laplacian(0.1))
    with pytest.raises(ValueError, match="conj"):
        FourierReference([TWO_PI], [0.0], smooth, lambda k: k[0])
    shock = FourierReference(
        [TWO_PI], [0.0], smooth, _laplacian(1e-3), lambda u, D: -0.5 * D(u * u), 128
    )
    with pytest.raises(ValueError, match="not resolved"):
        shock.solve([2.0], num_steps=200)
    blown = FourierReference([TWO_PI], [0.0], smooth, _laplacian(0.1), lambda u, D: u**2, 64)
    with pytest.raises(ValueError, match="raise num_steps"):
        blown.solve([60.0], num_steps=100)
    for ts in ([], [-1.0], [1.0, 0.5]):
        with pytest.raises(ValueError, match="ts"):
            shock.solve(ts)
    with pytest.raises(ValueError, match=r"\[n, 1\]"):
        shock.evaluate([0.0], np.zeros(3))
    with pytest.raises(ValueError, match="nonlinear must return"):
        FourierReference([TWO_PI], [0.0], smooth, _laplacian(0.1), lambda u, D: u[:-1], 64).solve(
            [1.0], num_steps=1
        )
