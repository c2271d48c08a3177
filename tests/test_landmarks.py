"""Velocity solvers in subspaces: landmarks, leverage scores, random subsets."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.linear import linearise_generic, thinned

from .helpers import (
    KEY,
    PROBLEMS,
    dense_parts,
    error,
    linearised,
    sampled,
    small_network,
    trial_norm,
)
from .velocity_solvers import SOLVERS, reference, solve


def test_random_subset_solves_the_problem_of_its_columns():
    problem = PROBLEMS["advection_1d"]
    lin, target = linearised(problem, small_network(problem))
    solver = nivp.RandomSubset(nivp.LeastSquares(damping=1e-6), 20)
    velocity = solve(solver, lin, target)
    chosen = np.flatnonzero(np.asarray(velocity.value))
    assert len(chosen) == 20
    jacobian, root = dense_parts(lin)
    columns = jacobian[:, chosen]
    gram = columns.T @ columns + float(velocity.info.damping) * np.eye(20)
    oracle = np.linalg.solve(gram, columns.T @ np.ravel(root * np.asarray(target)))
    assert error(columns @ np.asarray(velocity.value)[chosen], columns @ oracle) < 1e-6
    again = solve(solver, lin, target, jax.random.key(1))
    assert set(np.flatnonzero(np.asarray(again.value))) != set(chosen)
    through_cg = nivp.RandomSubset(SOLVERS["cg_nystrom"], 20)
    np.testing.assert_allclose(
        lin.push(solve(through_cg, lin, target).value), lin.push(velocity.value), atol=1e-4
    )


def test_a_landmark_subspace_of_twice_the_effective_rank_is_as_good_as_all_parameters():
    problem = PROBLEMS["advection_1d"]
    lin, target = linearised(problem, small_network(problem))
    whole = solve(nivp.LeastSquares(damping=1e-6), lin, target)
    rank = 2 * int(whole.info.effective_rank)
    size = np.linalg.norm(lin.push(whole.value))
    misses = [
        np.linalg.norm(lin.push(solve(solver, lin, target).value - whole.value)) / size
        for solver in (
            nivp.LandmarkSubspace(rank, damping=1e-6, block=5),
            nivp.LandmarkSubspace(rank, num_landmarks=2 * rank, damping=1e-6, block=5),
            nivp.LandmarkSubspace(rank // 4, damping=1e-6, block=5),
        )
    ]
    residual = float(whole.info.projection_residual)
    assert max(misses[:2]) < residual + 1e-3 and misses[2] > 10 * max(misses[:2]), misses


def test_a_landmark_subspace_follows_the_network_through_a_step():
    """At other parameters: the least squares in the span chosen before, by numpy."""
    problem = PROBLEMS["wave_1d"]
    network = small_network(problem)
    lin, target = linearised(problem, network)
    solver = nivp.LandmarkSubspace(15, num_landmarks=20, damping=1e-6, block=5)
    setup = solver.setup(lin, lin.zeros, KEY)
    basis = np.asarray(jax.vmap(setup.state.expand)(jnp.eye(15))).T
    np.testing.assert_allclose(basis.T @ basis, np.eye(15), atol=1e-8)
    moved = jax.tree.map(lambda x: 1.02 * x if eqx.is_inexact_array(x) else x, network)
    lin, target = linearised(problem, moved)
    velocity = solver.solve(lin, target, lin.zeros, setup)
    jacobian, root = dense_parts(lin)
    rows, right = jacobian @ basis, np.ravel(root * np.asarray(target))
    gram = rows.T @ rows + float(velocity.info.damping) * np.eye(15)
    oracle = basis @ np.linalg.solve(gram, rows.T @ right)
    np.testing.assert_allclose(velocity.value, oracle, rtol=1e-6, atol=1e-8)


def test_leverage_scores_of_a_landmark_subspace():
    """Against the dense ones, within the error of 48 random signs; their sum is the effective
    rank."""
    problem = PROBLEMS["wave_1d"]
    lin, target = linearised(problem, small_network(problem))
    for solver in (
        nivp.LandmarkSubspace(79, num_landmarks=79, damping=1e-4),
        nivp.LandmarkSubspace(40, num_landmarks=79, damping=1e-4),
    ):
        setup = solver.setup(lin, lin.zeros, KEY)
        info = solver.solve(lin, target, lin.zeros, setup).info
        jacobian, _ = dense_parts(lin)
        matrix = jacobian.T @ jacobian + float(info.damping) * np.eye(jacobian.shape[1])
        dense = np.sum(jacobian.T * np.linalg.solve(matrix, jacobian.T), axis=0)
        dense = dense.reshape(len(target), -1).sum(axis=1)
        scores = solver.leverage_scores(lin, setup)
        np.testing.assert_allclose(info.effective_rank, np.sum(dense), rtol=0.01)
        assert np.sqrt(np.mean((scores / dense - 1) ** 2)) < 2 * np.sqrt(2 / 48)


def test_points_chosen_by_leverage_keep_means():
    key, count = jax.random.key(1), 4_000
    points = jax.random.uniform(key, (count, 1))
    sample = nivp.WeightedPoints(points, 2 * points[:, 0] / jnp.sum(2 * points))
    few = thinned(sample, 1e-3 + points[:, 0] ** 4, 500, key)
    assert few.points.shape == (500, 1) and np.isclose(np.sum(few.weights), 1)
    # Mean of x^k under the density 2 x: 2 / (k + 2).
    for k in range(5):
        mean = np.sum(few.weights * few.points[:, 0] ** k)
        np.testing.assert_allclose(mean, 2 / (k + 2), atol=0.03)
    assert np.mean(few.points) > np.mean(points) + 0.05
    zero = thinned(sample, jnp.zeros(count), 500, key)
    assert np.all(np.isfinite(zero.weights))


def test_nystrom_cuts_iterations():
    problem = PROBLEMS["advection_1d"]
    lin, target = linearised(problem, small_network(problem))
    plain = solve(SOLVERS["cg_plain"], lin, target)
    sketched = solve(
        nivp.RidgeCG(damping=1e-4, rtol=1e-8, preconditioner=nivp.Nystrom(40)), lin, target
    )
    assert 5 * sketched.info.iterations < plain.info.iterations
    assert sketched.info.products == sketched.info.iterations + 2 + 40


def test_landmarks_serve_float32_below_its_rounding():
    problem = PROBLEMS["advection_1d"]
    J, f = (part.astype("float32") for part in linearised(problem, small_network(problem)))
    for damping in (1e-6, 1e-8):
        solver = nivp.RidgeCG(damping=damping, rtol=1e-3, preconditioner=nivp.Landmarks(60, 20))
        found = solve(solver, J, f).info
        best = solve(nivp.LeastSquares(damping=damping), J, f).info.projection_residual
        assert found.projection_residual < 1.05 * best and found.iterations > 0


@pytest.mark.parametrize("damping", [1e-6, 1e-7, 1e-8])
def test_nystrom_serves_float32_at_small_dampings(damping):
    """Rounding once left less of the smallest scales than of the rest: v = 0 below 1e-6."""
    problem = PROBLEMS["advection_2d"]
    lin, target = linearised(problem, small_network(problem, width=10), num_points=600)
    low, low_target = lin.astype(jnp.float32), target.astype(jnp.float32)
    best = solve(nivp.LeastSquares(damping=damping), low, low_target).info.projection_residual
    for rank in (30, 150):
        solver = nivp.RidgeCG(damping=damping, rtol=1e-5, preconditioner=nivp.Nystrom(rank))
        assert solve(solver, low, low_target).info.projection_residual < 2 * best


def test_columns_of_a_kernel_without_structure_count_as_products():
    problem = PROBLEMS["advection_1d"]
    network = small_network(problem)
    sample = sampled(problem, network, 40)
    lin, target = linearised(problem, network)
    norm = trial_norm(problem, network, problem.norm)
    plain = linearise_generic(network, nivp.networks.flatten(network)[0], sample, norm)
    dual = nivp.RidgeDualCG(rank=20, block=10, damping=1e-3)
    # Landmarks take one for each at 40 points, and again at their own 20 points.
    primal = nivp.RidgeCG(preconditioner=nivp.Landmarks(20, 10), damping=1e-3)
    for solver, last, columns in ((dual, 3, 20), (primal, 2, 30)):
        first, second = (
            nivp.solve_velocity(solver, J, target[: len(J.values)], key=KEY).info
            for J in (lin, plain)
        )
        assert first.products == first.iterations + last
        assert second.products == second.iterations + last + columns and second.rebuilds == 1


def test_landmarks_follow_the_network_where_a_sketch_does_not():
    """Kept while theta moves so far that M changes by thousands of times its damping."""
    problem = PROBLEMS["advection_1d"]
    network = small_network(problem)
    theta, rebuild = nivp.networks.flatten(network)
    sample = sampled(problem, network, 80)
    moved = rebuild(theta + 0.01 * jax.random.normal(KEY, theta.shape))
    before, after = (nivp.velocity_problem(problem, n, 0.0, sample) for n in (network, moved))

    @eqx.filter_jit
    def kept(solver):
        zeros = before[0].zeros
        return solver.solve(*after, zeros, solver.setup(before[0], zeros, KEY))

    options = {"damping": 1e-8, "rtol": 1e-6, "max_steps": 300, "rebuild": "step"}
    found = kept(nivp.RidgeCG(preconditioner=nivp.Landmarks(60, 20), **options))
    sketch = kept(nivp.RidgeCG(preconditioner=nivp.Nystrom(60), **options))
    change = dense_parts(after[0])[0] - dense_parts(before[0])[0]
    assert np.linalg.norm(change, 2) ** 2 > 1e3 * found.info.damping
    assert found.result == nivp.RESULTS.successful
    wanted, _, _, _ = reference(*after, float(found.info.damping))
    got = np.ravel(np.sqrt(after[0].weights)[:, None] * after[0].push(found.value))
    assert error(got, wanted) < 2e-6
    assert found.info.iterations < 20 and sketch.info.iterations > 60
