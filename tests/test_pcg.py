"""Conjugate gradients as a lineax solver: tolerance, results, gradients, float32."""

import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
import pytest

import neural_ivp as nivp


def operator(matrix):
    return lx.MatrixLinearOperator(jnp.asarray(matrix), lx.positive_semidefinite_tag)


def random_spd(size, condition, dtype=np.float64):
    rng = np.random.default_rng(0)
    q, _ = np.linalg.qr(rng.normal(size=(size, size)))
    return (q * np.geomspace(1, 1 / condition, size) @ q.T).astype(dtype)


def run(matrix, b, solver, **options):
    return lx.linear_solve(operator(matrix), b, solver, options=options, throw=False)


def test_meets_a_relative_tolerance_and_reports_it():
    matrix, b = random_spd(60, 1e3), jnp.arange(1.0, 61)
    solution = run(matrix, b, nivp.linear.PCG(rtol=1e-9))
    assert solution.result == lx.RESULTS.successful
    residual = np.linalg.norm(matrix @ solution.value - b) / np.linalg.norm(b)
    assert residual < 2e-9
    np.testing.assert_allclose(solution.stats["relative_residual"], residual, rtol=0.1)


def test_agrees_with_scipy():
    from scipy.sparse.linalg import cg

    matrix, b = random_spd(60, 1e2), np.ones(60)
    counted = []
    wanted, _ = cg(matrix, b, rtol=1e-8, atol=0.0, callback=counted.append)
    solution = run(matrix, jnp.asarray(b), nivp.linear.PCG(rtol=1e-8))
    np.testing.assert_allclose(solution.value, wanted, rtol=1e-6)
    assert abs(int(solution.stats["num_steps"]) - len(counted)) <= 1


def test_small_scales_in_float32_do_not_break_down():
    # lineax.CG turns to NaN at its first step here: shared/facts.md, "float32 trap".
    diagonal = jnp.linspace(0.05, 0.1, 10_000, dtype=jnp.float32)
    diagonal_operator = lx.TaggedLinearOperator(
        lx.DiagonalLinearOperator(diagonal), lx.positive_semidefinite_tag
    )
    b = jnp.ones(10_000, jnp.float32)
    solution = lx.linear_solve(diagonal_operator, b, nivp.linear.PCG(rtol=1e-5), throw=False)
    assert solution.result == lx.RESULTS.successful
    np.testing.assert_allclose(solution.value, 1 / diagonal, rtol=1e-4)


def test_the_scale_of_the_preconditioner_does_not_matter_in_float32():
    # The second case of that trap: the inverse of a Gram matrix's leading part, as textbooks
    # scale it, is of the order of 1 / mu.
    rng = np.random.default_rng(1)
    factor = rng.normal(size=(300, 200)) * np.geomspace(1, 1e-4, 200)
    gram = (factor.T @ factor / 300).astype(np.float32)
    values, vectors = np.linalg.eigh(gram.astype(float))
    mu = 1e-5 * values[-1]
    kept, basis = values[-60:], vectors[:, -60:]
    rest = (np.eye(200) - basis @ basis.T) / (kept[0] + mu)
    inverse = (basis / (kept + mu) @ basis.T + rest).astype(np.float32)
    matrix = gram + np.float32(mu) * np.eye(200, dtype=np.float32)
    b = jnp.asarray(gram @ rng.normal(size=200).astype(np.float32))
    for scale in (1, kept[0] + mu):
        given = operator(inverse * np.float32(scale))
        solution = run(matrix, b, nivp.linear.PCG(rtol=1e-4), preconditioner=given)
        assert solution.result == lx.RESULTS.successful
        assert solution.stats["num_steps"] < 15


@pytest.mark.parametrize(
    ("matrix", "options", "result"),
    [
        (random_spd(60, 1e10), {"max_steps": 5}, "max_steps_reached"),
        (random_spd(60, 1e10, np.float32), {"max_steps": 5000, "patience": 20}, "stagnation"),
        (np.diag(np.r_[np.ones(30), -np.ones(30)]), {}, "breakdown"),
    ],
)
def test_says_why_it_ended_with_a_finite_best_iterate(matrix, options, result):
    b = jnp.arange(1.0, 61, dtype=matrix.dtype)
    solution = run(matrix, b, nivp.linear.PCG(rtol=1e-12, **options))
    assert solution.result == getattr(lx.RESULTS, result)
    assert jnp.all(jnp.isfinite(solution.value))
    assert solution.stats["relative_residual"] <= 1


def test_an_indefinite_preconditioner_is_reported():
    sign = jnp.asarray(np.diag(np.r_[np.ones(30), -np.ones(30)]))
    wrong = lx.MatrixLinearOperator(sign, lx.positive_semidefinite_tag)
    solution = run(
        random_spd(60, 1e2), jnp.arange(1.0, 61), nivp.linear.PCG(rtol=1e-8), preconditioner=wrong
    )
    assert solution.result == lx.RESULTS.breakdown
    assert jnp.all(jnp.isfinite(solution.value))


def test_a_good_guess_is_used_and_a_bad_one_is_not():
    matrix, b = random_spd(60, 1e3), jnp.ones(60)
    exact = jnp.linalg.solve(matrix, b)
    cold = run(matrix, b, nivp.linear.PCG(rtol=1e-6)).stats["num_steps"]
    assert run(matrix, b, nivp.linear.PCG(rtol=1e-6), y0=exact).stats["num_steps"] == 0
    bad = run(matrix, b, nivp.linear.PCG(rtol=1e-6), y0=1e6 * jnp.ones(60))
    assert bad.stats["num_steps"] == cold


def test_the_energy_norm_of_the_error_is_met_where_it_is_asked_for():
    matrix = random_spd(60, 1e10)
    values, vectors = np.linalg.eigh(matrix)
    exact = np.random.default_rng(1).normal(size=60)
    # A preconditioner for the 30 largest eigenvalues: the residual of the others is small anyway.
    kept = np.where(np.arange(60) < 30, values[30], values)
    inverse = operator(vectors / kept @ vectors.T)
    b = jnp.asarray(matrix @ exact)

    def missed(**options):
        solution = run(matrix, b, nivp.linear.PCG(rtol=1e-5, **options), preconditioner=inverse)
        assert solution.result == lx.RESULTS.successful
        error = np.asarray(solution.value) - exact
        return np.sqrt(error @ matrix @ error / (exact @ matrix @ exact))

    assert missed() > 5e-4
    assert missed(energy=True) < 2e-5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_perfect_preconditioner_leaves_nothing_and_is_no_breakdown(dtype):
    matrix, b = random_spd(9, 1e2), jnp.arange(1.0, 10, dtype=dtype)
    inverse = operator(np.linalg.inv(matrix).astype(dtype))
    for rtol in (1e-2, 1e-6):
        solution = run(
            matrix.astype(dtype), b, nivp.linear.PCG(rtol=rtol, energy=True), preconditioner=inverse
        )
        assert solution.result == lx.RESULTS.successful


def test_gradient_agrees_with_finite_differences():
    matrix, b = jnp.asarray(random_spd(20, 1e2)), 1e-2 * jnp.arange(1.0, 21)

    def value(scale):
        solution = lx.linear_solve(
            operator(matrix + scale * jnp.eye(20)), b, nivp.linear.PCG(rtol=1e-13)
        )
        return jnp.sum(jnp.sin(solution.value))

    slope = jax.grad(value)(0.1)
    step = 1e-5
    difference = (value(0.1 + step) - value(0.1 - step)) / (2 * step)
    np.testing.assert_allclose(slope, difference, rtol=1e-6)
