"""Velocity solvers against numpy's linear algebra, their failures, and their derivatives."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp

from .helpers import KEY, PROBLEMS, dense_parts, error, linearised, small_network, trial_norm
from .velocity_solvers import DIRECT, ITERATIVE, SOLVERS, Indefinite, reference, solve


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("problem", ["advection_1d", "wave_1d"])
def test_velocity_equals_the_dense_one_in_function_space(name, problem):
    problem, solver = PROBLEMS[problem], SOLVERS[name]
    lin, target = linearised(problem, small_network(problem))
    velocity = solve(solver, lin, target)
    info = velocity.info
    mu = float(info.damping)
    image, jacobian, right, eigenvalues = reference(lin, target, mu)
    assert velocity.result == nivp.RESULTS.successful
    # |J (v - w)| <= |residual| / (2 sqrt(mu)) for the residual of (M + mu I) v = F.
    bound = solver.rtol if name in ITERATIVE else 1e-10
    size = np.linalg.norm(jacobian.T @ right)
    misfit = np.linalg.norm(jacobian @ np.asarray(velocity.value) - image)
    assert misfit <= bound * size / (2 * np.sqrt(mu)) + 1e-9 * np.linalg.norm(image)
    wanted = np.linalg.norm(image - right) / np.linalg.norm(right)
    np.testing.assert_allclose(info.projection_residual, wanted, rtol=1e-2)
    left = jacobian.T @ (jacobian @ velocity.value - right) + mu * velocity.value
    # Products in float32; a residual within the span of the landmarks.
    exact = {"cg_mixed": 1e-6, "landmarks_of_all": 1e-8}.get(name, 1e-11)
    np.testing.assert_allclose(info.linear_residual, np.linalg.norm(left) / size, atol=exact)
    np.testing.assert_allclose(info.largest, eigenvalues[0], rtol=0.05)


@pytest.mark.parametrize("name", ["cg_whole", *DIRECT])
def test_spectrum_of_the_solved_system(name):
    """The effective rank is a random estimate, of a sketch that sees all: 79 of 79 columns."""
    problem = PROBLEMS["advection_1d"]
    lin, target = linearised(problem, small_network(problem))
    info = solve(SOLVERS[name], lin, target).info
    mu = float(info.damping)
    *_, eigenvalues = reference(lin, target, mu)
    # Four random signs: a standard deviation of about 2 (Hutchinson).
    np.testing.assert_allclose(
        info.effective_rank, np.sum(eigenvalues / (eigenvalues + mu)), atol=5
    )
    solved = mu if name in ("cg_whole", "dual", "landmarks_of_all") else eigenvalues[-1] + mu
    np.testing.assert_allclose(info.condition, (eigenvalues[0] + mu) / solved, rtol=0.3)


@pytest.mark.parametrize("count", [30, 200], ids=["wide", "tall"])
def test_least_squares_in_float32_has_the_residual_of_float64(count):
    """With a damping far below the rounding unit, at which normal equations fail."""
    problem = PROBLEMS["advection_1d"]
    lin, target = linearised(problem, small_network(problem, dtype="float32"), count)
    target = target.astype(jnp.float32)
    velocity = solve(nivp.LeastSquares(damping=1e-10), lin, target)
    damping = float(velocity.info.damping)
    image, jacobian, right, _ = reference(lin.astype(jnp.float64), target, damping)
    wanted = np.linalg.norm(image - right) / np.linalg.norm(right)
    assert velocity.value.dtype == jnp.float32
    np.testing.assert_allclose(velocity.info.projection_residual, wanted, rtol=1e-2, atol=1e-4)
    assert error(jacobian @ np.asarray(velocity.value), image) < 1e-3
    assert velocity.info.linear_residual < 1e-3


@pytest.mark.parametrize("name", ["cg_nystrom", *DIRECT])
def test_damped_replaces_the_damping_even_by_a_traced_one(name):
    problem = PROBLEMS["advection_1d"]
    lin, target = linearised(problem, small_network(problem))
    damped = jax.jit(lambda mu: solve(SOLVERS[name].with_damping(mu), lin, target).info.damping)
    plain = solve(SOLVERS[name].with_damping(1e-2), lin, target).info.damping
    np.testing.assert_allclose(damped(1e-2), plain, rtol=1e-12)
    np.testing.assert_allclose(damped(1e-3), plain / 10, rtol=1e-12)
    absolute = SOLVERS[name].with_damping(nivp.Damping(0.25, relative=False))
    assert solve(absolute, lin, target).info.damping == 0.25


def test_anchored_damps_towards_the_velocity_before():
    problem = PROBLEMS["advection_1d"]
    lin, target = linearised(problem, small_network(problem))
    before = jax.random.normal(KEY, lin.zeros.shape)
    solver = nivp.ProximalDamping(nivp.RidgeCholesky(damping=1e-2))
    velocity = nivp.solve_velocity(solver, lin, target, key=KEY, initial_velocity=before)
    jacobian, root = dense_parts(lin)
    mu = float(velocity.info.damping)
    right = jacobian.T @ np.ravel(root * np.asarray(target)) + mu * np.asarray(before)
    oracle = np.linalg.solve(jacobian.T @ jacobian + mu * np.eye(79), right)
    assert error(velocity.value, oracle) < 1e-10
    misfit = jacobian @ oracle - np.ravel(root * np.asarray(target))
    wanted = np.linalg.norm(misfit) / np.linalg.norm(root * np.asarray(target))
    np.testing.assert_allclose(velocity.info.projection_residual, wanted)


def test_a_projection_in_the_energy_conserves_it_and_one_in_l2_does_not():
    """dE/dt = 2 <(u, v), J theta'>_E at the points of an accurate quadrature."""
    problem = PROBLEMS["wave_1d"]
    network = small_network(problem)
    theta, _ = nivp.networks.flatten(network)
    points = jnp.linspace(-1, 1, 501)[:, None]
    sample = nivp.WeightedPoints(points, jnp.full(501, 1 / 501))

    def linearised(norm):
        return nivp.linear.linearise(network, theta, sample, trial_norm(problem, network, norm))

    def rate(norm):
        target = nivp.trials.trial_for(problem, network).target(problem, network, 0.0)
        f = jax.vmap(lambda x: norm(target, x))(points)
        velocity = solve(nivp.LeastSquares(damping=1e-20), linearised(norm), f).value
        energy = linearised(problem.norm)
        change = energy.push(velocity)[:, :2]  # v and the gradient, without the term in u
        sizes = jnp.sqrt(jnp.mean(energy.values[:, :2] ** 2) * jnp.mean(change**2))
        return float(jnp.mean(energy.values[:, :2] * change) / sizes)

    assert abs(rate(problem.norm)) < 1e-3 < 10 * abs(rate(nivp.L2((1.0, 1.0))))


@pytest.mark.parametrize("name", SOLVERS)
def test_failures_and_trivial_cases(name):
    """Each its own result, always a finite value."""
    problem, solver = PROBLEMS["heat_1d"], SOLVERS[name]
    lin, target = linearised(problem, small_network(problem))
    R = nivp.RESULTS

    def ended(lin, target, result, residual=None):
        velocity = solve(solver, lin, target)
        assert velocity.result == result, velocity.result
        assert np.all(np.isfinite(velocity.value))
        if residual is not None:
            assert velocity.info.projection_residual == residual
            assert not np.any(velocity.value)

    ended(lin, jnp.zeros_like(target), R.successful, 0)
    zero = jax.tree.map(jnp.zeros_like, lin)
    ended(eqx.tree_at(lambda lin: lin.weights, zero, lin.weights), target, R.successful, 1)
    ended(lin, target.at[7].set(jnp.nan), R.nonfinite_target)
    ended(lin, target.at[7].set(jnp.inf), R.nonfinite_target)
    broken = eqx.tree_at(lambda lin: lin.signals[0], lin, lin.signals[0].at[..., 0].set(jnp.nan))
    ended(broken, target, R.nonfinite_jacobian)


@pytest.mark.parametrize("name", ["cg_nystrom", "cholesky", "least_squares", "dual"])
@pytest.mark.parametrize(("points", "parameters"), [(1, 79), (20, 79), (200, 1), (1, 1)])
def test_any_shape(name, points, parameters):
    problem = PROBLEMS["advection_1d"]
    lin, target = linearised(problem, small_network(problem), num_points=points)
    if parameters < 79:
        lin = lin.restrict(jnp.arange(79 - parameters, 79))
    velocity = solve(SOLVERS[name], lin, target)
    image, _, right, _ = reference(lin, target, float(velocity.info.damping))
    assert velocity.result == nivp.RESULTS.successful
    wanted = np.linalg.norm(image - right) / np.linalg.norm(right)
    np.testing.assert_allclose(velocity.info.projection_residual, wanted, rtol=1e-4, atol=1e-12)


@pytest.mark.parametrize(
    ("solver", "result"),
    [
        (
            nivp.RidgeCG(max_steps=2, preconditioner=nivp.linear.NoPreconditioner()),
            "max_steps_reached",
        ),
        (nivp.RidgeCG(rtol=1e-30, damping=1e-4), "tolerance_out_of_reach"),
        (nivp.RidgeCG(preconditioner=Indefinite()), "indefinite_preconditioner"),
        (nivp.RidgeCholesky(damping=1e-30), "factorisation_failed"),
    ],
)
def test_iterations_say_why_they_ended(solver, result):
    problem = PROBLEMS["advection_1d"]
    lin, target = linearised(problem, small_network(problem), num_points=40)
    velocity = solve(solver, lin, target)
    assert velocity.result == getattr(nivp.RESULTS, result)
    assert np.all(np.isfinite(velocity.value)) and len(nivp.RESULTS[velocity.result]) > 20  # pyright: ignore


@pytest.mark.parametrize("name", ["cg_nystrom", "cholesky", "least_squares", "dual"])
def test_float32_is_honest(name):
    """Every residual is what float64 finds it to be; a tolerance out of reach is not claimed."""
    problem = PROBLEMS["advection_1d"]
    lin, target = linearised(problem, small_network(problem))
    low, low_target = lin.astype(jnp.float32), target.astype(jnp.float32)
    for damping, rtol in ((1e-4, 1e-5), (1e-4, 1e-12), (1e-9, 1e-5)):
        solver = SOLVERS[name].with_damping(damping)
        if name in ITERATIVE:
            solver = eqx.tree_at(lambda s: s.rtol, solver, rtol)
        velocity = solve(solver, low, low_target)
        value, mu = np.asarray(velocity.value, float), float(velocity.info.damping)
        image, jacobian, right, _ = reference(lin, target, mu)
        misfit = np.linalg.norm(jacobian @ value - right) / np.linalg.norm(right)
        np.testing.assert_allclose(velocity.info.projection_residual, misfit, rtol=1e-3)
        assert np.all(np.isfinite(value))
        succeeded = velocity.result == nivp.RESULTS.successful
        assert succeeded or damping < 1e-4 or rtol < 1e-5
        if name in ITERATIVE:
            assert not (succeeded and rtol < 1e-6)
        if name == "cg_nystrom" and succeeded:
            wrong = np.linalg.norm(jacobian @ value - image) / np.linalg.norm(image)
            assert wrong < 3 * rtol
        if succeeded and damping == 1e-4:
            best = np.linalg.norm(image - right) / np.linalg.norm(right)
            np.testing.assert_allclose(misfit, best, rtol=1e-2)


@pytest.mark.parametrize("name", ["cg_nystrom", "dual_cg", "cholesky", "least_squares"])
def test_a_target_whose_square_leaves_the_range_is_met_as_well_as_any(name):
    """Powers of two round nothing: the velocity is the same to the last bit."""
    problem = PROBLEMS["advection_1d"]
    lin, target = linearised(problem, small_network(problem))
    low, f = lin.astype(jnp.float32), target.astype(jnp.float32)
    wanted = solve(SOLVERS[name], low, f)
    for power in (-80, 80):
        got = solve(SOLVERS[name], low, jnp.ldexp(f, power))
        np.testing.assert_array_equal(got.value, jnp.ldexp(wanted.value, power))
        assert got.info.projection_residual == wanted.info.projection_residual
