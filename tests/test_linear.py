"""Matrix-free M and F against dense ones; solvers against numpy's linear algebra."""

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
import pytest

import neural_ivp as nivp

from .helpers import KEY, PROBLEMS, TORUS, Fourier, linearised, small_network


def networks_of(problem):
    """Every network of the catalogue that fits the problem."""
    yield small_network(problem)
    if problem.domain == TORUS:
        yield Fourier(4)


def dense_parts(lin):
    """J scaled by the root of the weights, as a numpy matrix of shape (n c, p)."""
    root = np.sqrt(np.asarray(lin.weights))[:, None, None]
    jacobian = root * np.asarray(lin.dense())
    return jacobian.reshape(-1, jacobian.shape[-1]), root[:, :, 0]


@eqx.filter_jit
def everything(problem, network, sampler):
    """M, F, M + 0.3 I from products, and J from reverse passes."""
    lin, target = linearised(problem, network, sampler=sampler)
    identity = jnp.eye(lin.theta.size)
    shifted = jax.vmap(lin.operator(jnp.asarray(0.3)).mv)(identity)
    return (
        lin.weights,
        lin.dense(),
        target,
        jax.vmap(lin.gram)(identity),
        lin.project(target),
        shifted,
    )


def check_products(problem, network, sampler):
    weights, jacobian, target, gram, right, shifted = everything(problem, network, sampler)
    root = np.sqrt(np.asarray(weights))[:, None]
    rows = (root[:, :, None] * np.asarray(jacobian)).reshape(-1, len(gram))
    wanted = rows.T @ rows
    assert error(gram, wanted) < 1e-12
    assert error(right, rows.T @ np.ravel(root * np.asarray(target))) < 1e-12
    assert error(shifted, wanted + 0.3 * np.eye(len(gram))) < 1e-12


@pytest.mark.parametrize("name", PROBLEMS)
def test_matrix_free_equals_dense(name):
    problem = PROBLEMS[name]
    for network in networks_of(problem):
        check_products(problem, network, nivp.Following(60))


@pytest.mark.parametrize("activation", ["swish", "sin"])
@pytest.mark.parametrize("name", ["wave_1d", "heat_torus"])
def test_matrix_free_equals_dense_for_other_networks(name, activation):
    network = small_network(PROBLEMS[name], activation=activation, depth=3, width=4)
    check_products(PROBLEMS[name], network, nivp.Uniform(60))


def error(got, wanted):
    return np.linalg.norm(np.asarray(got) - wanted) / np.linalg.norm(wanted)


def test_dense_equals_finite_differences():
    problem = PROBLEMS["wave_1d"]
    lin, _ = linearised(problem, small_network(problem), num_points=5)
    _, rebuild = nivp.flatten(lin.template)
    step = 1e-6
    for index in (0, 17, 40):
        e = jnp.zeros_like(lin.theta).at[index].set(step)
        rise = jax.vmap(rebuild(lin.theta + e))(lin.sample.points)
        fall = jax.vmap(rebuild(lin.theta - e))(lin.sample.points)
        np.testing.assert_allclose(lin.dense()[..., index], (rise - fall) / (2 * step), atol=1e-8)


SOLVERS = {
    "cg_nystrom": nivp.RidgeCG(
        damping=1e-6, rtol=1e-10, max_steps=500, preconditioner=nivp.Nystrom(40)
    ),
    "cg_rebuilt": nivp.RidgeCG(
        damping=1e-6, rtol=1e-10, preconditioner=nivp.Nystrom(40), rebuild="solve"
    ),
    "cg_plain": nivp.RidgeCG(
        damping=1e-4, rtol=1e-8, max_steps=2000, preconditioner=nivp.NoPreconditioner()
    ),
    "cholesky": nivp.RidgeCholesky(damping=1e-6),
    "least_squares": nivp.LeastSquares(damping=1e-6),
}


@eqx.filter_jit
def solve(solver, lin, target, key=KEY):
    prepared, _ = solver.prepare(lin, key)
    return solver.solve(lin, target, jnp.zeros_like(lin.theta), prepared)


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("problem", ["advection_1d", "wave_1d"])
def test_velocity_equals_the_dense_one_in_function_space(name, problem):
    problem = PROBLEMS[problem]
    lin, target = linearised(problem, small_network(problem))
    velocity = solve(SOLVERS[name], lin, target)
    jacobian, root = dense_parts(lin)
    mu = float(velocity.damping)
    stacked = np.concatenate([jacobian, np.sqrt(mu) * np.eye(lin.theta.size)])
    right = np.concatenate([np.ravel(root * np.asarray(target)), np.zeros(lin.theta.size)])
    oracle = np.linalg.lstsq(stacked, right, rcond=None)[0]
    assert velocity.result == lx.RESULTS.successful
    # |J (v - w)| <= |residual| / (2 sqrt(mu)) for the residual of (M + mu I) v = F.
    bound = 1e-10 if "cg" not in name else SOLVERS[name].rtol
    size = np.linalg.norm(jacobian.T @ right[: len(jacobian)])
    misfit = np.linalg.norm(jacobian @ (np.asarray(velocity.value) - oracle))
    assert misfit <= bound * size / (2 * np.sqrt(mu)) + 1e-9 * np.linalg.norm(jacobian @ oracle)
    wanted = np.linalg.norm(jacobian @ oracle - right[: len(jacobian)]) / np.linalg.norm(right)
    np.testing.assert_allclose(velocity.projection_residual, wanted, rtol=1e-4)
    largest = np.linalg.eigvalsh(jacobian.T @ jacobian)[-1]
    np.testing.assert_allclose(mu / SOLVERS[name].damping, largest, rtol=0.05)


def test_random_subset_solves_the_problem_of_its_columns():
    problem = PROBLEMS["advection_1d"]
    lin, target = linearised(problem, small_network(problem))
    solver = nivp.RandomSubset(nivp.LeastSquares(damping=1e-6), 20)
    velocity = solve(solver, lin, target)
    chosen = np.flatnonzero(np.asarray(velocity.value))
    assert len(chosen) == 20
    jacobian, root = dense_parts(lin)
    columns = jacobian[:, chosen]
    gram = columns.T @ columns + float(velocity.damping) * np.eye(20)
    oracle = np.linalg.solve(gram, columns.T @ np.ravel(root * np.asarray(target)))
    assert error(columns @ np.asarray(velocity.value)[chosen], columns @ oracle) < 1e-6
    again = solve(solver, lin, target, jax.random.key(1))
    assert set(np.flatnonzero(np.asarray(again.value))) != set(chosen)
    through_cg = nivp.RandomSubset(SOLVERS["cg_nystrom"], 20)
    np.testing.assert_allclose(
        lin.push(solve(through_cg, lin, target).value), lin.push(velocity.value), atol=1e-4
    )


def test_nystrom_cuts_iterations_and_finds_the_largest_eigenvalue():
    problem = PROBLEMS["advection_1d"]
    lin, target = linearised(problem, small_network(problem))
    plain = solve(
        nivp.RidgeCG(damping=1e-6, max_steps=2000, preconditioner=nivp.NoPreconditioner()),
        lin,
        target,
    )
    sketched = solve(nivp.RidgeCG(damping=1e-6, preconditioner=nivp.Nystrom(40)), lin, target)
    assert 5 * sketched.iterations < plain.iterations
    assert sketched.products == sketched.iterations + 1


def test_zero_target_has_zero_velocity():
    problem = PROBLEMS["heat_1d"]
    lin, target = linearised(problem, small_network(problem))
    for solver in (SOLVERS["cg_nystrom"], SOLVERS["cholesky"], SOLVERS["least_squares"]):
        velocity = solve(solver, lin, jnp.zeros_like(target))
        assert velocity.result == lx.RESULTS.successful
        assert not jnp.any(velocity.value) and velocity.projection_residual == 0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nivp.RidgeCG(damping=-1.0), "`damping` must be finite and positive, got -1.0"),
        (lambda: nivp.RidgeCG(rebuild="never"), "`rebuild`"),
        (lambda: nivp.Nystrom(0), "`rank`"),
        (lambda: nivp.RandomSubset(nivp.RidgeCholesky(), 0), "`size`"),
        (lambda: nivp.PCG(rtol=0.0), "`rtol`"),
    ],
)
def test_bad_input(make, words):
    with pytest.raises(nivp.InputError, match=words):
        make()
