"""Velocity solvers against numpy's linear algebra, their failures, and their derivatives."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.linear import linearise_generic, thinned
from neural_ivp.linear.preconditioners import AbstractGramApproximation

from .helpers import (
    KEY,
    PROBLEMS,
    TORUS,
    dense_parts,
    error,
    linearised,
    refused,
    sampled,
    small_network,
    trial_norm,
)

ITERATIVE = {
    "cg_nystrom": nivp.RidgeCG(
        damping=1e-6,
        rtol=1e-10,
        max_steps=500,
        preconditioner=nivp.Nystrom(40),
    ),
    "cg_whole": nivp.RidgeCG(damping=1e-6, rtol=1e-10, preconditioner=nivp.Nystrom(79)),
    "cg_shared": nivp.RidgeCG(
        damping=1e-6, rtol=1e-10, preconditioner=nivp.Nystrom(40), rebuild="step"
    ),
    "cg_landmarks": nivp.RidgeCG(
        damping=1e-6, rtol=1e-10, preconditioner=nivp.Landmarks(60, 20), rebuild="step"
    ),
    "cg_plain": nivp.RidgeCG(
        damping=1e-4, rtol=1e-8, max_steps=2000, preconditioner=nivp.linear.NoPreconditioner()
    ),
    "cg_mixed": nivp.RidgeCG(
        damping=1e-4, rtol=1e-5, preconditioner=nivp.Nystrom(40), precision="mixed"
    ),
    "dual_cg": nivp.RidgeDualCG(damping=1e-6, rtol=1e-10, rank=60, block=20),
}
DIRECT = {
    "cholesky": nivp.RidgeCholesky(damping=1e-6),
    "least_squares": nivp.LeastSquares(damping=1e-6),
    "dual": nivp.RidgeDual(damping=1e-6),
    "auto": nivp.AutoVelocitySolver(damping=1e-6),
    "landmarks_of_all": nivp.LandmarkSubspace(10**6, damping=1e-6),
    "subset_of_all": nivp.RandomSubset(nivp.RidgeCholesky(damping=1e-6), 10**6),
}
SOLVERS = ITERATIVE | DIRECT


@eqx.filter_jit
def solve(solver, lin, target, key=KEY):
    return nivp.solve_velocity(solver, lin, target, key=key)


def reference(lin, target, mu):
    """J v of the damped least squares by numpy's SVD, sqrt(W) J, sqrt(W) f and its eigenvalues."""
    jacobian, root = dense_parts(lin)
    right = np.ravel(root * np.asarray(target))
    u, sigma, _ = np.linalg.svd(jacobian, full_matrices=False)
    return u @ (sigma**2 / (sigma**2 + mu) * (u.T @ right)), jacobian, right, sigma**2


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


@pytest.mark.parametrize(
    ("p", "rows", "dtype", "memory", "name", "words"),
    [
        (500, 4000, "float64", 2e9, "RidgeCholesky", "exact"),
        (100_000, 3000, "float64", 2e9, "RidgeDual", "exact"),
        (500, 4000, "float32", 2e9, "LeastSquares", "exact"),
        (100_000, 3000, "float64", 1e8, "RidgeDualCG", "GB of the 0.1 GB allowed"),
        (100_000, 300_000, "float64", 1e13, "RidgeDualCG", "times 1000 products"),
        (50_000, 50_000, "float32", 1e10, "RidgeCG", "GB of the 10 GB allowed"),
    ],
)
def test_the_chooser_says_what_it_chose_and_why(p, rows, dtype, memory, name, words):
    solver, why = nivp.linear.choose_velocity_solver(p, rows, dtype, memory=memory)
    assert type(solver).__name__ == name
    assert why.startswith(f"{name} for {p} parameters, {rows} rows, {dtype}") and words in why


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


class SignedFactors(AbstractGramApproximation):
    """A diagonal that is negative in one place."""

    diagonal: jax.Array
    largest: jax.Array
    products: jax.Array

    def inverse(self, damping):
        return lambda v: v / self.diagonal

    def effective_rank(self, damping):
        return None


class Indefinite(nivp.linear.AbstractPreconditioner):
    """Positive along all coordinates but one, or along none of the others."""

    others: float = 1.0

    def build(self, linearisation, damping_of, key):
        plain = nivp.linear.NoPreconditioner().build(linearisation, damping_of, key)
        signs = jnp.full_like(linearisation.zeros, self.others).at[3].set(-1e-3)
        return SignedFactors(signs, plain.largest, plain.products)


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


WRAPPED = {
    "subset": nivp.RandomSubset(nivp.RidgeCholesky(), 30),
    "anchored": nivp.ProximalDamping(nivp.RidgeCholesky()),
}
OFTEN = ("cg_nystrom", "cholesky", "least_squares", "dual", "dual_cg", "subset")
RARELY = ("cg_whole", "cg_plain", "cg_shared", "auto", "anchored")


@pytest.mark.parametrize(
    "name", [*OFTEN, *(pytest.param(n, marks=pytest.mark.slow) for n in RARELY)]
)
def test_gradients_agree_with_finite_differences(name):
    """Of a functional of v, along a direction of theta; the damping is a constant."""
    problem = PROBLEMS["advection_1d"]
    network = small_network(problem)
    theta, rebuild = nivp.networks.flatten(network)
    sample = sampled(problem, network, 100)
    solver = (SOLVERS | WRAPPED)[name].with_damping(nivp.Damping(1e-3, relative=False))
    if name in ITERATIVE:
        solver = eqx.tree_at(lambda s: s.rtol, solver, 1e-13)

    @jax.jit
    def functional(theta):
        lin, target = nivp.velocity_problem(problem, rebuild(theta), 0.0, sample)
        v = nivp.solve_velocity(solver, lin, target, key=KEY).value
        return jnp.vdot(jnp.cos(jnp.arange(v.size)), v)

    slope = jax.jit(jax.grad(functional))(theta)
    for seed in (1, 2):
        along = jax.random.normal(jax.random.key(seed), theta.shape)
        step = 1e-5
        rise, fall = functional(theta + step * along), functional(theta - step * along)
        np.testing.assert_allclose(slope @ along, (rise - fall) / (2 * step), rtol=1e-6)


def test_a_march_refuses_steps_without_a_velocity():
    """Else v = 0 would have a step error of 0, and the march would end where it began."""
    problem = nivp.problems.Advection(1, width=0.25)
    method = nivp.NeuralIVP(
        sampler=nivp.Uniform(50),
        velocity_solver=nivp.RidgeCG(preconditioner=Indefinite(-1.0)),
        integrator=nivp.AdaptiveStep(rtol=1e-2, atol=1e-3, dtmin=1e-3),
        fit=(nivp.LastLayer(num_points=100),),
    )
    network = small_network(problem)
    solution = nivp.solve(problem, network, method, ts=[0, 0.1], key=KEY, throw=False)
    assert solution.result == "step_not_solved" and "no velocity was found" in solution.message
    assert solution.ts[-1] == 0


def test_a_jacobian_that_is_not_finite_is_found_whatever_the_damping():
    problem = PROBLEMS["advection_1d"]
    lin, target = linearised(problem, small_network(problem), num_points=20)
    broken = eqx.tree_at(lambda lin: lin.signals[0], lin, lin.signals[0].at[..., 0].set(jnp.nan))
    for name in ("cg_nystrom", "dual_cg", "cholesky", "dual", "least_squares"):
        solver = SOLVERS[name].with_damping(nivp.Damping(1e-3, relative=False))
        assert solve(solver, broken, target).result == nivp.RESULTS.nonfinite_jacobian, name
    anchored = nivp.ProximalDamping(nivp.RidgeCholesky())
    for lin_, f, result in (
        (broken, target, nivp.RESULTS.nonfinite_jacobian),
        (lin, target.at[3].set(jnp.nan), nivp.RESULTS.nonfinite_target),
    ):
        velocity = nivp.solve_velocity(
            anchored, lin_, f, key=KEY, initial_velocity=jnp.ones_like(lin.zeros)
        )
        assert velocity.result == result and not np.any(velocity.value)


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


def test_residual_on_points_not_seen():
    problem = PROBLEMS["advection_1d"]
    network = small_network(problem)
    seen, other = (
        eqx.filter_jit(nivp.velocity_problem)(problem, network, 0.0, sampled(problem, network, n))
        for n in (30, 90)
    )
    solve = eqx.filter_jit(nivp.solve_velocity)
    velocity = solve(nivp.LeastSquares(), *seen, key=KEY, held_out=other)
    jacobian, root = dense_parts(other[0])
    right = np.ravel(root * np.asarray(other[1]))
    wanted = np.linalg.norm(jacobian @ velocity.value - right) / np.linalg.norm(right)
    np.testing.assert_allclose(velocity.info.held_out_residual, wanted)
    assert velocity.info.held_out_residual > 10 * velocity.info.projection_residual
    for wrong in (other[0], (other[0], seen[1])):
        with refused("`held_out"):
            nivp.solve_velocity(nivp.LeastSquares(), *seen, key=KEY, held_out=wrong)


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


NETWORK = small_network(PROBLEMS["advection_1d"])
SAMPLE = sampled(PROBLEMS["advection_1d"], NETWORK, 7)
LINEARISED = (NETWORK, nivp.networks.flatten(NETWORK)[0], SAMPLE)


def tangent(t=0.0, problem=PROBLEMS["advection_1d"]):
    return nivp.velocity_problem(problem, NETWORK, t, SAMPLE)


def solved(target=None, velocity=None):
    J = nivp.linear.linearise(*LINEARISED)
    target = J.values if target is None else target
    return nivp.solve_velocity(nivp.RidgeCholesky(), J, target, key=KEY, initial_velocity=velocity)


def test_whole_numbers_are_a_target():
    ones = [solved(np.ones((7, 1), kind)).value for kind in (int, float)]
    np.testing.assert_array_equal(*ones)


@pytest.mark.parametrize(
    ("points", "weights", "words"),
    [
        (jnp.ones((7, 2)), jnp.ones(7), "`sample.points`"),
        (jnp.ones((7, 1), "float32"), jnp.ones(7, "float32"), "are float32 and the network is"),
        (jnp.ones((7, 1)), -jnp.ones(7), "`sample.weights` must be finite and non-negative"),
        (jnp.ones((7, 1)), jnp.ones(7), "must sum to 1, those of a mean, got 7 over 7 points"),
        (jnp.ones((0, 1)), jnp.ones(0), "must sum to 1, those of a mean, got 0 over 0 points"),
    ],
)
def test_samples_that_do_not_fit(points, weights, words):
    with refused(words):
        sample = nivp.WeightedPoints(points, weights)
        nivp.velocity_problem(PROBLEMS["advection_1d"], NETWORK, 0.0, sample)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nivp.RidgeCG(damping=-1.0), "`damping` must be finite and positive, got -1.0"),
        (lambda: nivp.RidgeCG(rebuild="never"), "`rebuild`"),
        (lambda: nivp.RidgeCG(precision="half"), "`precision`"),
        (lambda: nivp.Damping(0.0), "`value`"),
        (lambda: nivp.RidgeCG(rtol=2.0), "`rtol` must lie between 0 and 1, got 2.0"),
        (lambda: nivp.FourierSeries(nivp.Torus((1.0,)), 1, modes=2, key=0), "`key` must be one"),
        (lambda: nivp.Nystrom(0), "`rank`"),
        (lambda: nivp.Damping(1.0, relative=1), "`relative` must be True or False"),
        (lambda: nivp.AutoVelocitySolver(memory=-1.0), "`memory`"),
        (lambda: nivp.Damping(jnp.ones(2)), "`value` must be one positive number"),
        (lambda: nivp.linear.linearise(*LINEARISED, chunk_size=0), "`chunk_size`"),
        (
            lambda: nivp.linear.choose_velocity_solver(0, 10, "float64"),
            "`p` must be an integer of at least 1",
        ),
        (
            lambda: nivp.linear.choose_velocity_solver(9, 10, "flt"),
            '`dtype` must be "float64" or "float32"',
        ),
        (lambda: nivp.linear.choose_velocity_solver(9, 10, int), "`dtype`"),
        (
            lambda: nivp.linear.linearise(LINEARISED[0], jnp.ones(3), LINEARISED[2]),
            "`theta` has shape",
        ),
        (lambda: nivp.FourierSeries(TORUS, 1, modes=2, key=np.zeros(5, "uint32")), "`key` must"),
        (lambda: tangent(t=jnp.nan), "`t` must be one finite number"),
        (lambda: solved(target=1j * jnp.ones((7, 1))), "`target` is complex128 and J is float64"),
        (lambda: solved(target=jnp.ones(7)), "`target` has shape"),
        (
            lambda: solved(velocity=jnp.ones(79, "float32")),
            "`initial_velocity` is float32 and J is float64",
        ),
        (lambda: tangent(problem=PROBLEMS["wave_1d"]), "has 1 component\\(s\\) and `problem` 2"),
        (lambda: nivp.RidgeCG(rtol=np.array([1e-3, 1e-4])), "`rtol` must be one positive number"),
        (lambda: nivp.RandomSubset(nivp.RidgeCholesky(), 0), "`size`"),
        (lambda: nivp.linear.PCG(rtol=0.0), "`rtol`"),
        (lambda: nivp.Landmarks(0), "`rank`"),
    ],
)
def test_bad_input(make, words):
    with refused(words):
        make()
