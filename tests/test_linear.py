"""Matrix-free M and F against dense ones; solvers against numpy's linear algebra."""

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.linear._generic import GenericLinearisation, generic
from neural_ivp.linear._structured import StructuredLinearisation

from .helpers import KEY, PROBLEMS, TORUS, Fourier, linearised, sampled, small_network


def networks_of(problem):
    """Every network of the catalogue that fits the problem."""
    yield small_network(problem)
    if problem.domain == TORUS:
        yield Fourier(4)


def dense_parts(lin):
    """J scaled by the root of the weights, as a numpy matrix of shape (n c, p)."""
    root = np.sqrt(np.asarray(lin.weights))[:, None, None]
    jacobian = root * np.asarray(lin.columns())
    return jacobian.reshape(-1, jacobian.shape[-1]), root[:, :, 0]


@eqx.filter_jit
def everything(problem, network, sampler):
    """M, F, M + 0.3 I from products, and J from reverse passes."""
    lin, target = linearised(problem, network, sampler=sampler)
    identity = jnp.eye(lin.num_parameters)
    shifted = jax.vmap(lin.operator(jnp.asarray(0.3)).mv)(identity)
    return (
        lin.weights,
        lin.columns(),
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


def test_columns_equal_finite_differences():
    problem = PROBLEMS["wave_1d"]
    network = small_network(problem)
    lin, _ = linearised(problem, network, num_points=5)
    theta, rebuild = nivp.flatten(network)
    points = sampled(problem, network, 5).points
    step = 1e-6
    for index in (0, 17, 40):
        e = lin.zeros.at[index].set(step)
        rise = jax.vmap(rebuild(theta + e))(points)
        fall = jax.vmap(rebuild(theta - e))(points)
        np.testing.assert_allclose(lin.columns()[..., index], (rise - fall) / (2 * step), atol=1e-8)


class Unstructured(nivp.AbstractNetwork):
    """Hides the layers of a network, or calls one twice."""

    inner: nivp.AbstractNetwork
    twice: bool = eqx.field(static=True)

    @property
    def head(self):
        return self.inner.head

    def redrawn(self, key):
        return Unstructured(self.inner.redrawn(key), self.twice)

    def __call__(self, x):
        if self.twice:
            return self.inner(x) + self.inner(-x)
        return jax.vmap(self.inner)(x[None])[0]


@pytest.mark.parametrize("name", ["advection_2d", "wave_1d", "fokker_planck_3d"])
def test_structured_products_equal_generic_ones(name):
    problem = PROBLEMS[name]
    network = small_network(problem, depth=3)
    theta, _ = nivp.flatten(network)
    sample = sampled(problem, network, 40)
    norm = nivp.L2(1.0 + np.arange(problem.components))
    fast = nivp.linearise(network, theta, sample, norm)
    plain = generic(network, theta, sample, norm)
    assert isinstance(fast, StructuredLinearisation)
    v, w = jax.random.normal(KEY, theta.shape), jax.random.normal(KEY, fast.values.shape)
    chosen = jax.random.permutation(KEY, theta.size)[:17]
    for attempt in (fast, fast.restrict(chosen)):
        whole = plain if attempt is fast else plain.restrict(chosen)
        assert (
            error(attempt.push(v[: attempt.num_parameters]), whole.push(v[: whole.num_parameters]))
            < 1e-14
        )
        assert error(attempt.pull(w), whole.pull(w)) < 1e-14
        assert error(attempt.columns(), whole.columns()) < 1e-14
        assert error(attempt.kernel(), whole.kernel()) < 1e-14
    assert error(fast.values, plain.values) < 1e-14


@pytest.mark.parametrize("twice", [True, False])
def test_networks_without_that_structure_are_differentiated_generically(twice):
    problem = PROBLEMS["advection_1d"]
    network = Unstructured(small_network(problem), twice)
    lin, _ = linearised(problem, network, num_points=9)
    assert isinstance(lin, GenericLinearisation)
    assert (
        error(jax.vmap(lin.push, out_axes=-1)(jnp.eye(lin.num_parameters)), lin.columns()) < 1e-14
    )


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
    "dual": nivp.RidgeDual(damping=1e-6),
}


@eqx.filter_jit
def solve(solver, lin, target, key=KEY):
    prepared, _ = solver.prepare(lin, key)
    return solver.solve(lin, target, lin.zeros, prepared)


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("problem", ["advection_1d", "wave_1d"])
def test_velocity_equals_the_dense_one_in_function_space(name, problem):
    problem = PROBLEMS[problem]
    lin, target = linearised(problem, small_network(problem))
    velocity = solve(SOLVERS[name], lin, target)
    jacobian, root = dense_parts(lin)
    mu = float(velocity.damping)
    stacked = np.concatenate([jacobian, np.sqrt(mu) * np.eye(lin.num_parameters)])
    right = np.concatenate([np.ravel(root * np.asarray(target)), np.zeros(lin.num_parameters)])
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


@pytest.mark.parametrize("name", SOLVERS)
def test_damped_replaces_the_damping_even_by_a_traced_one(name):
    problem = PROBLEMS["advection_1d"]
    lin, target = linearised(problem, small_network(problem))
    damped = jax.jit(lambda mu: solve(SOLVERS[name].damped(mu), lin, target).damping)
    plain = solve(SOLVERS[name].damped(1e-2), lin, target).damping
    np.testing.assert_allclose(damped(1e-2), plain, rtol=1e-12)
    np.testing.assert_allclose(damped(1e-3), plain / 10, rtol=1e-12)


def test_a_projection_in_the_energy_conserves_it_and_one_in_l2_does_not():
    """dE/dt = 2 <(u, v), J theta'>_E at the points of an accurate quadrature."""
    problem = PROBLEMS["wave_1d"]
    network = small_network(problem)
    theta, _ = nivp.flatten(network)
    points = jnp.linspace(-1, 1, 2001)[:, None]
    sample = nivp.Sample(points, jnp.full(2001, 1 / 2001))

    def rate(norm):
        lin = nivp.linearise(network, theta, sample, norm)
        f = jax.vmap(lambda x: norm(lambda x: problem.rhs(network, 0.0, x), x))(points)
        velocity = solve(nivp.LeastSquares(damping=1e-20), lin, f).value
        energy = nivp.linearise(network, theta, sample, problem.norm)
        change = energy.push(velocity)[:, :2]  # v and the gradient, without the term in u
        sizes = jnp.sqrt(jnp.mean(energy.values[:, :2] ** 2) * jnp.mean(change**2))
        return float(jnp.mean(energy.values[:, :2] * change) / sizes)

    assert abs(rate(problem.norm)) < 1e-3 < 10 * abs(rate(nivp.L2((1.0, 1.0))))


def test_zero_target_has_zero_velocity():
    problem = PROBLEMS["heat_1d"]
    lin, target = linearised(problem, small_network(problem))
    for solver in SOLVERS.values():
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
