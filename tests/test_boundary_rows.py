"""Conditions as rows of the least squares: their derivatives, targets and products."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.linear import linearise, with_boundary_rows
from neural_ivp.linear.linearisation import StackedLinearisation
from neural_ivp.networks import flatten
from neural_ivp.trials import UnknownNorm, draw_boundary_rows, trial_for
from neural_ivp.trials._boundary_rows import _ramp

from .boundary_problems import LINE, SQUARE, moving, problem_on
from .helpers import KEY, small_network


# A Robin condition, a Neumann one that moves, one component without any, and a nonlinear one.
class Radiation(nivp.boundary.AbstractCondition):
    def residual(self, value, slope, t, x):
        return slope + value**4 - t


WEAK = {
    "line": problem_on(LINE, {"x0-": nivp.Neumann(moving), "x0+": Radiation()}),
    "square": problem_on(
        SQUARE,
        {
            "x0-": nivp.Dirichlet(0.0),
            "x0+": (nivp.Robin(2.0, 0.5, moving), nivp.Free()),
            "x1-": nivp.Neumann(1.0),
            "x1+": nivp.Free(),
        }
        | {"x0-": (nivp.Dirichlet(0.0), nivp.Robin(1.0, 1.0))},
        initial=lambda x: jnp.stack([x[0], x[1]]),
    ),
    "disc": problem_on(nivp.Ball((0.0, 0.0), 1.0), nivp.Robin(1.0, 1.0)),
}


def rows_of(problem, t0=0.0, n=30):
    network = small_network(problem)
    trial = trial_for(problem, network)
    start, ramp = jnp.asarray(t0), jnp.asarray(0.1)
    return network, trial, draw_boundary_rows(problem, trial, n, start, ramp, KEY)


@pytest.mark.parametrize("name", WEAK)
def test_rows_are_derivatives_of_the_residuals(name):
    network, trial, boundary = rows_of(WEAK[name])
    theta, rebuild = flatten(network)
    v, t, h = jax.random.normal(KEY, theta.shape), jnp.asarray(0.4), 1e-6
    rows = boundary.rows(rebuild, theta, t)
    values = [boundary.values(rebuild(theta + s * v), t) for s in (-h, h)]
    # The scale of a row is a constant of the least squares, and that of a linear condition is one.
    if name != "line":
        np.testing.assert_allclose(rows @ v, (values[1] - values[0]) / (2 * h), atol=1e-6)
    assert rows.shape == (*values[0].shape, theta.size)
    np.testing.assert_allclose(jnp.sum(boundary.weights), len(boundary.faces))
    # Points lie on their faces, and rows of components without a condition are zero.
    for face, points, weak in zip(boundary.faces, boundary.points, boundary.weak, strict=True):
        distances = jax.vmap(lambda x, f=face: WEAK[name].domain.distance(f, x))(points)
        np.testing.assert_allclose(distances, 0, atol=1e-12)
        assert any(weak)
        for k, imposed in enumerate(weak):
            assert imposed != (
                trial.holds(face, k) or not WEAK[name].conditions.at(face, k).imposes
            )


def test_targets_follow_the_condition_and_pull_back():
    network, _, boundary = rows_of(WEAK["square"])
    t, h, rate = 0.4, 1e-5, jnp.asarray(7.0)
    before, now, after = (boundary.values(network, t + s) for s in (-h, 0.0, h))
    target = boundary.target(network, t, rate)
    np.testing.assert_allclose(target, -(after - before) / (2 * h) - rate * now, atol=1e-8)


def test_a_contradiction_is_removed_over_the_ramp():
    """At the start the residual of the initial value counts as none, after the ramp it does."""
    problem = problem_on(LINE, {"x0-": nivp.Neumann(0.0), "x0+": nivp.Robin(2.0, 1.0)})
    _, trial, boundary = rows_of(problem)
    exact = nivp.SinusoidalMLP(LINE, 1, width=4, even_at=("x0-",), key=KEY)
    constant = eqx.tree_at(
        lambda n: n.head, exact, jax.tree.map(jnp.zeros_like, exact.head)
    )  # u = 0, and the initial value cos x: B differs by that of cos x
    plain = float(boundary.residual(constant, 0.0))
    assert plain == pytest.approx(0.0, abs=1e-14)
    scaled = boundary.values(constant, 1.0)
    np.testing.assert_allclose(scaled, 0, atol=1e-14)
    at_start = float(boundary.values(constant, 0.0)[0, 0])
    b = 2 * np.cos(1.0) - np.sin(1.0)
    unit = 2 + 1 / 0.1  # |dB/du| + |dB/du_n| / length
    assert at_start == pytest.approx(-b / unit)
    assert trial.holds("x0-", 0)
    s = np.linspace(0, 1, 20_001)
    ramp = np.asarray(_ramp(jnp.asarray(s)))
    assert ramp[0] == 1 and ramp[-1] == 0
    np.testing.assert_allclose([np.trapezoid(ramp, s), np.trapezoid(s * ramp, s)], 0, atol=1e-6)


@pytest.mark.parametrize("name", WEAK)
def test_stacked_rows_equal_a_dense_jacobian(name):
    problem = WEAK[name]
    network, trial, boundary = rows_of(problem)
    theta, _ = flatten(network)
    points = nivp.WeightedPoints.equal(jnp.asarray(problem.domain.low_discrepancy_points(25)))
    norm = UnknownNorm(problem.norm, trial)
    upper = linearise(network, theta, points, norm)
    stacked = with_boundary_rows(upper, boundary, network, theta, 0.3)
    assert isinstance(stacked, StackedLinearisation)
    J = np.asarray(stacked.jacobian())
    flat = J.reshape(-1, theta.size)
    v = jax.random.normal(KEY, theta.shape)
    w = jax.random.normal(KEY, stacked.values.shape)
    np.testing.assert_allclose(stacked.push(v), J @ v, atol=1e-12)
    np.testing.assert_allclose(stacked.pull(w), np.tensordot(w, J, 2), atol=1e-11)
    upper_half = np.triu(flat @ flat.T)
    np.testing.assert_allclose(stacked.kernel_matrix().upper, upper_half, atol=1e-10)
    np.testing.assert_allclose(stacked.kernel_diagonal(), np.diag(upper_half), atol=1e-10)
    columns = jnp.asarray([0, len(flat) - 1])
    np.testing.assert_allclose(stacked.kernel(columns), (flat @ flat.T)[:, columns], atol=1e-10)
    chosen = jnp.asarray([3, len(J) - 1, 24, 25])
    np.testing.assert_allclose(stacked.at(chosen).jacobian(), J[chosen], atol=1e-12)
    subset = jnp.asarray([5, 0, 17])
    np.testing.assert_allclose(stacked.restrict(subset).jacobian(), J[..., subset], atol=1e-12)
    assert stacked.astype(jnp.float32).push(v.astype(jnp.float32)).dtype == jnp.float32
