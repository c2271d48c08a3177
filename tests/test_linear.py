"""Matrix-free M and F against dense ones, by structure, by differentiation and in chunks."""

import os
import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.linear.linearisation import (
    GenericLinearisation,
    StructuredLinearisation,
    linearise_generic,
)
from neural_ivp.linear.numerics import pivoted_cholesky
from neural_ivp.linear.numerics._symmetric import Cholesky, Symmetric

from .helpers import KEY, PROBLEMS, TORUS, Fourier, error, linearised, sampled, small_network


def networks_of(problem):
    """Every network of the catalogue that fits the problem."""
    yield small_network(problem)
    if problem.domain == TORUS:
        yield Fourier(4)


@eqx.filter_jit
def everything(problem, network, sampler):
    """M and F from products, and J by columns."""
    lin, target = linearised(problem, network, sampler=sampler)
    gram = jax.vmap(lin.gram_product)(jnp.eye(lin.num_parameters))
    return lin.weights, lin.jacobian(), target, gram, lin.force(target)


def check_products(problem, network, sampler):
    weights, jacobian, target, gram, right = everything(problem, network, sampler)
    root = np.sqrt(np.asarray(weights))[:, None]
    rows = (root[:, :, None] * np.asarray(jacobian)).reshape(-1, len(gram))
    wanted = rows.T @ rows
    assert error(gram, wanted) < 1e-12
    assert error(right, rows.T @ np.ravel(root * np.asarray(target))) < 1e-12


@pytest.mark.parametrize("name", PROBLEMS)
def test_matrix_free_equals_dense(name):
    problem = PROBLEMS[name]
    for network in networks_of(problem):
        check_products(problem, network, nivp.ImportanceSampling(60))


@pytest.mark.parametrize("activation", ["swish", "sin"])
@pytest.mark.parametrize("name", ["wave_1d", "heat_torus"])
def test_matrix_free_equals_dense_for_other_networks(name, activation):
    network = small_network(PROBLEMS[name], activation=activation, depth=3, width=4)
    check_products(PROBLEMS[name], network, nivp.Uniform(60))


def test_columns_equal_finite_differences():
    problem = PROBLEMS["wave_1d"]
    network = small_network(problem)
    lin, _ = linearised(problem, network, num_points=5)
    theta, rebuild = nivp.networks.flatten(network)
    points = sampled(problem, network, 5).points
    trial, step = nivp.trials.trial_for(problem, network), 1e-6
    for index in (0, 17, 40):
        e = lin.zeros.at[index].set(step)
        rise = jax.vmap(trial.field(rebuild(theta + e), 0.0))(points)
        fall = jax.vmap(trial.field(rebuild(theta - e), 0.0))(points)
        np.testing.assert_allclose(
            lin.jacobian()[..., index], (rise - fall) / (2 * step), atol=1e-8
        )


class Unstructured(nivp.networks.AbstractNetwork):
    """Hides the layers of a network, or calls one twice."""

    inner: nivp.networks.AbstractNetwork
    twice: bool = eqx.field(static=True)

    @property
    def trainable(self):
        return self.inner.trainable

    @property
    def head(self):
        return self.inner.head

    def reinitialised(self, key):
        return Unstructured(self.inner.reinitialised(key), self.twice)

    def __call__(self, x):
        if self.twice:
            return self.inner(x) + self.inner(-x)
        return jax.vmap(self.inner)(x[None])[0]


@pytest.mark.parametrize("name", ["advection_2d", "wave_1d", "fokker_planck_3d"])
def test_structured_products_equal_generic_ones(name):
    problem = PROBLEMS[name]
    network = small_network(problem, depth=3)
    theta, _ = nivp.networks.flatten(network)
    sample = sampled(problem, network, 40)
    norm = nivp.L2(1.0 + np.arange(problem.components))
    fast = nivp.linear.linearise(network, theta, sample, norm)
    plain = linearise_generic(network, theta, sample, norm)
    assert isinstance(fast, StructuredLinearisation)
    v, w = jax.random.normal(KEY, theta.shape), jax.random.normal(KEY, fast.values.shape)
    chosen = jax.random.permutation(KEY, theta.size)[:17]
    columns = jnp.asarray([31, 2, 7])

    @eqx.filter_jit
    def parts(lin):
        some = lin.at(columns)
        products = lin.push(v[: lin.num_parameters]), lin.pull(w), some.force(w[columns])
        dense = lin.jacobian(), lin.kernel_matrix().upper, lin.kernel(columns)
        return *products, *dense, lin.kernel_diagonal()

    for here, there in ((fast, plain), (fast.restrict(chosen), plain.restrict(chosen))):
        for got, wanted in zip(parts(here), parts(there), strict=True):
            assert error(got, wanted) < 1e-14
    kernel = dense(fast.kernel_matrix())
    assert error(fast.kernel(columns), kernel[:, columns]) < 1e-14
    assert error(fast.kernel_diagonal(), np.diag(kernel)) < 1e-14
    assert error(fast.values, plain.values) < 1e-14


def dense(matrix):
    return np.asarray(jax.vmap(lambda v: matrix @ v)(jnp.eye(len(matrix.upper))))


@pytest.mark.parametrize("block", [4, 6, 100])
def test_half_of_a_symmetric_matrix_is_all_of_it(block):
    """In panels of any size: products, scaling, shift, and solves against numpy."""
    rows = np.random.default_rng(0).normal(size=(14, 20))
    wanted = rows @ rows.T
    half = Symmetric.of(lambda k, end: jnp.asarray(wanted[k:end, k:]), 14, block)
    assert not np.any(np.tril(half.upper, -1))
    assert error(dense(half), wanted) < 1e-15
    scale = np.arange(1.0, 15)
    changed, wanted = (
        half.scaled(jnp.asarray(scale)).add_scaled_identity(jnp.asarray(2.0)),
        np.outer(scale, scale) * wanted,
    )
    wanted += 2 * np.eye(14)
    assert error(dense(changed), wanted) < 1e-15
    assert error(changed.factor(), np.linalg.cholesky(wanted)) < 1e-13
    operator = lx.MatrixLinearOperator(jnp.asarray(wanted), lx.positive_semidefinite_tag)
    for state in (None, changed.factor()):
        options = {} if state is None else {"state": state}
        got = lx.linear_solve(operator, jnp.asarray(scale), Cholesky(), **options).value
        assert error(got, np.linalg.solve(wanted, scale)) < 1e-11


@pytest.mark.parametrize("name", ["advection_1d", "wave_1d"])
def test_kernels_in_several_panels_equal_those_by_columns(name, monkeypatch):
    monkeypatch.setattr("neural_ivp.linear.linearisation._structured.BLOCK", 9)
    lin, _ = linearised(PROBLEMS[name], small_network(PROBLEMS[name]), num_points=13)
    assert isinstance(lin, StructuredLinearisation)
    wanted = lin.kernel(jnp.arange(lin.values.size))
    assert error(dense(lin.kernel_matrix()), np.asarray(wanted)) < 1e-14


@pytest.mark.parametrize("key", [1, 2])
def test_on_a_torus_a_translation_lies_in_the_tangent_space(key):
    """Whatever the weights: the sines and cosines of the first layer turn. So no restart can lower
    the residual of an advection there, which is the damping's alone."""
    problem = PROBLEMS["advection_torus"]
    network = small_network(problem).reinitialised(jax.random.key(key))
    lin, target = linearised(problem, network, num_points=300)
    rows, right = lin.weighted_rows(target)
    velocity = np.linalg.lstsq(rows, right, rcond=1e-14)[0]
    assert error(rows @ velocity, np.asarray(right)) < 1e-11


@pytest.mark.parametrize("twice", [True, False])
def test_networks_without_that_structure_are_differentiated_generically(twice):
    problem = PROBLEMS["advection_1d"]
    network = Unstructured(small_network(problem), twice)
    lin, _ = linearised(problem, network, num_points=9)
    assert isinstance(lin, GenericLinearisation)
    assert (
        error(jax.vmap(lin.push, out_axes=-1)(jnp.eye(lin.num_parameters)), lin.jacobian()) < 1e-14
    )


@pytest.mark.parametrize("twice", [None, True])
@pytest.mark.parametrize("name", ["advection_1d", "wave_1d"])
def test_chunks_of_points_change_nothing(name, twice):
    """50 points in chunks of 16: the last one is filled up with points of weight zero."""
    problem = PROBLEMS[name]
    network = small_network(problem)
    network = network if twice is None else Unstructured(network, twice)
    theta, _ = nivp.networks.flatten(network)
    sample = sampled(problem, network, sampler=nivp.ImportanceSampling(50))
    v = jax.random.normal(KEY, theta.shape)
    chosen = jnp.asarray([5, 3, 40])

    @eqx.filter_jit
    def parts(theta, sample, chunk_size):
        lin = nivp.linear.linearise(network, theta, sample, chunk_size=chunk_size)
        w = jnp.cos(jnp.arange(lin.values.size, dtype=v.dtype)).reshape(lin.values.shape)
        small = lin.restrict(chosen)
        narrow = small.astype(jnp.float32).gram_product(v[:3].astype(jnp.float32))
        few = lin.at(chosen).gram_product(v)
        products = (
            lin.push(v),
            lin.pull(w),
            lin.gram_product(v),
            small.gram_product(v[:3]),
            narrow,
            few,
        )
        dense = (
            lin.kernel_matrix().upper,
            lin.kernel(chosen),
            lin.jacobian(),
            lin.jacobian(chosen),
        )
        diagonals = (lin.kernel_diagonal(), small.kernel_diagonal())
        return (lin.values, *products, *dense, *diagonals)

    assert all(map(np.any, parts(theta, sample, 16)))
    for got, wanted in zip(parts(theta, sample, 16), parts(theta, sample, None), strict=True):
        assert error(got, wanted) < (1e-14 if got.dtype == jnp.float64 else 1e-6)


SHARDED = r"""
import re, jax, jax.numpy as jnp
from jax.sharding import AxisType, NamedSharding, PartitionSpec
jax.config.update("jax_enable_x64", True)
import neural_ivp as nivp
from neural_ivp.linear import linearise_generic

assert jax.device_count() == 4
problem, key = nivp.problems.Wave(1, width=0.3), jax.random.key(0)
network = nivp.default_network(problem, key=key, width=6, depth=2)
theta, _ = nivp.networks.flatten(network)
x, w = jax.random.uniform(key, (64, 1)), jnp.full(64, 1 / 64)
v = jax.random.normal(key, theta.shape)
mesh = jax.make_mesh((4,), ("points",), axis_types=(AxisType.Auto,))
whole, split = (NamedSharding(mesh, PartitionSpec(*axis)) for axis in ((), ("points",)))
given = (theta, x, w, v)
placed = jax.device_put(given, (whole, split, split, whole))
for maker in (nivp.linear.linearise, linearise_generic):
    norm = nivp.L2((1.0, 1.0))

    def forward(theta, x, w, v):
        return maker(network, theta, nivp.WeightedPoints(x, w), norm).push(v)

    def gram(theta, x, w, v):
        return maker(network, theta, nivp.WeightedPoints(x, w), norm).gram_product(v)

    for function, reductions in ((forward, 0), (gram, 1)):
        compiled = jax.jit(function).lower(*placed).compile()
        alone, together = jax.jit(function)(*given), compiled(*placed)
        assert jnp.abs(alone - together).max() < 1e-14 * jnp.abs(alone).max()
        moved = re.findall(r" (all-[a-z]+|reduce-scatter|collective-permute)(?:-start)?\(",
                           compiled.as_text())
        assert moved == ["all-reduce"] * reductions, moved
print("one all-reduce")
"""


def test_points_on_four_devices_need_one_all_reduce():
    """A process of its own: the number of devices is fixed when JAX starts."""
    flags = "--xla_force_host_platform_device_count=4"
    ended = subprocess.run(
        [sys.executable, "-c", SHARDED],
        env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
    )
    assert ended.stdout == "one all-reduce\n", ended.stderr


def test_pivoted_cholesky_is_close_to_the_best_of_a_smaller_rank():
    """60 columns against the best of rank 40; then a kernel of rank 20, which they exhaust."""
    rng = np.random.default_rng(0)
    basis, _ = np.linalg.qr(rng.normal(size=(300, 300)))
    for spectrum in (0.9 ** np.arange(300), np.r_[np.ones(20), np.zeros(280)]):
        kernel = jnp.asarray(basis * spectrum @ basis.T)
        factor, chosen = pivoted_cholesky(
            lambda i, k=kernel: k[:, i], jnp.diag(kernel), 60, 20, KEY
        )
        rest = kernel - factor @ factor.T
        # Exact in the columns that it says were drawn.
        assert np.abs(rest[:, chosen]).max() < 1e-12
        left = np.linalg.eigvalsh(rest)
        assert left[0] > -1e-13
        assert np.sum(left) < np.sum(spectrum[40:]) + 1e-10
