"""The randomised sketch of M, and the arithmetic in place that it is made with."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.linear.numerics import map_row_blocks, multiply_rows

from .helpers import KEY, trial_norm


def linearised(width, dtype="float64", points=12):
    """p = 161 (test rows made orthonormal) for a width of 8, and 1 521 (random signs) for 32."""
    problem = nivp.problems.Advection(1)
    network = nivp.default_network(
        problem, width=width, depth=3, num_frequencies=2, dtype=dtype, key=KEY
    )
    theta, _ = nivp.networks.flatten(network)
    x = jnp.linspace(-0.9, 0.9, points, dtype=dtype)[:, None]
    sample = nivp.WeightedPoints(x, jnp.full(points, 1 / points, dtype))
    return nivp.linear.linearise(network, theta, sample, trial_norm(problem, network, problem.norm))


def build(sketch, lin):
    return eqx.filter_jit(lambda lin: sketch.build(lin, lambda largest: 1e-8 * largest, KEY))(lin)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("width", [8, 32])
def test_a_sketch_of_more_than_its_rank_is_the_matrix(width, dtype):
    lin = linearised(width, dtype)
    rows = np.asarray(jax.vmap(lin.force)(jnp.eye(12, dtype=dtype)[..., None]), float)
    found = build(nivp.Nystrom(20), lin)
    wanted = np.linalg.svd(rows * np.sqrt(12), compute_uv=False) ** 2
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(found.eigenvalues[:12], wanted, atol=30 * eps * wanted[0])
    basis = np.asarray(found.basis, float)
    np.testing.assert_allclose(basis @ basis.T, np.eye(20), atol=30 * eps)
    # Its range holds all directions that M has, and nothing is large outside of them.
    outside = rows - rows @ basis.T @ basis
    assert np.linalg.norm(outside) < 1e2 * np.sqrt(eps) * np.linalg.norm(rows)
    assert np.all(np.asarray(found.eigenvalues)[12:] < 1e2 * eps * wanted[0])


def test_a_smaller_sketch_has_the_largest_eigenvalues():
    lin = linearised(32, points=100)
    rows = np.asarray(jax.vmap(lin.force)(jnp.eye(100)[..., None])) * 10
    wanted = np.linalg.svd(rows, compute_uv=False) ** 2
    found = np.asarray(build(nivp.Nystrom(20), lin).eigenvalues)
    # Nystrom approximates from below; the first ones are close (theorem 4.1 of the source).
    assert np.all(found <= wanted[:20] * (1 + 1e-9))
    np.testing.assert_allclose(found[:5], wanted[:5], rtol=0.05)


def test_building_takes_one_array_of_its_size():
    lin = linearised(128, points=20)
    p, rank = lin.num_parameters, 64

    def made(lin, key):
        return nivp.Nystrom(rank, block=2).build(lin, lambda largest: 1e-8 * largest, key)

    compiled = jax.jit(made).lower(lin, KEY).compile()
    assert compiled.memory_analysis().temp_size_in_bytes / 8 < 0.4 * p * rank


@pytest.mark.parametrize(
    ("rows", "length", "block"), [(7, 33, 3), (8, 32, 4), (5, 1, 9), (1, 9, 1)]
)
def test_rows_in_place_equal_those_at_once(rows, length, block):
    values = np.random.default_rng(0).normal(size=(rows, length))
    matrix = np.random.default_rng(1).normal(size=(rows, rows))
    done = map_row_blocks(jnp.asarray(values), block, lambda i, old: 2 * old + i[:, None])
    np.testing.assert_array_equal(done, 2 * values + np.arange(rows)[:, None])
    np.testing.assert_allclose(
        multiply_rows(jnp.asarray(matrix), jnp.asarray(values)), matrix @ values
    )
