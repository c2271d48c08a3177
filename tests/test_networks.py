"""Boundary values, periodicity, the linear head, the vector of parameters."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.networks._base import with_head

from .helpers import KEY, PROBLEMS, small_network


def test_dirichlet_vanishes_on_the_boundary():
    network = small_network(PROBLEMS["wave_2d"])
    edge = jnp.array([[1.0, 0.3], [-1.0, 0.9], [0.2, -1.0]])
    np.testing.assert_allclose(jax.vmap(network)(edge), 0, atol=1e-15)
    assert jnp.all(network(jnp.array([0.1, 0.2])) != 0)


def test_torus_embedding_is_periodic():
    network = small_network(PROBLEMS["advection_torus"])
    x = jnp.array([0.4, 1.1])
    np.testing.assert_allclose(network(x), network(x + jnp.array([2.0, -3.0])), rtol=1e-12)
    slope = nivp.grad(network)
    np.testing.assert_allclose(slope(x), slope(x + jnp.array([4.0, 3.0])), rtol=1e-10)


def test_components_share_no_weights():
    network = nivp.SinusoidalMLP(nivp.Box((0.0,), (1.0,)), 2, width=4, depth=2, key=KEY)
    theta, rebuild = nivp.flatten(network)
    x = jnp.array([0.3])
    jacobian = jax.jacrev(lambda theta: rebuild(theta)(x))(theta)
    assert not jnp.any((jacobian[0] != 0) & (jacobian[1] != 0))


def test_value_is_linear_in_the_head_and_flatten_is_exact():
    network = small_network(PROBLEMS["wave_2d"])
    x = jnp.array([0.3, -0.2])
    np.testing.assert_allclose(
        with_head(network, jax.tree.map(lambda w: 3 * w, network.head))(x), 3 * network(x)
    )
    theta, rebuild = nivp.flatten(network)
    assert theta.ndim == 1 and jnp.all(rebuild(theta)(x) == network(x))


def test_a_component_that_starts_at_zero_has_a_full_jacobian():
    problem = PROBLEMS["wave_1d"]
    network = small_network(problem)
    fitted = nivp.fit(
        network, problem.initial, problem.domain, (nivp.LastLayer(num_points=200),), key=KEY
    ).network
    theta, rebuild = nivp.flatten(fitted)
    slope = jax.jacrev(lambda theta: rebuild(theta)(jnp.array([0.2]))[1])(theta)
    assert jnp.mean(slope != 0) > 0.9
    with pytest.raises(nivp.InputError, match="`matrix` must be invertible"):
        nivp.Mixed(network, ((1, 1), (1, 1)))


def test_paper_network_has_the_published_number_of_parameters():
    problem = nivp.problems.Advection(2)
    network = nivp.default_network(problem, key=KEY, width=100, depth=3, num_frequencies=3)
    assert nivp.flatten(network)[0].size == 21_601  # shared/problems.md, advection_2d


def test_dtype_follows_the_choice():
    problem = PROBLEMS["heat_1d"]
    network = small_network(problem, dtype="float32")
    assert nivp.flatten(network)[0].dtype == jnp.float32
    assert network(jnp.ones(1, jnp.float32)).dtype == jnp.float32


def test_redrawn_has_the_same_architecture_and_other_weights():
    network = small_network(PROBLEMS["heat_1d"])
    other = network.redrawn(jax.random.key(9))
    assert jax.tree.structure(other) == jax.tree.structure(network)
    same = nivp.flatten(other)[0] == nivp.flatten(network)[0]
    assert not jnp.any(same)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"width": 0}, "`width` must be an integer of at least 1, got 0"),
        ({"depth": 1.5}, "`depth`"),
        ({"activation": "swihs"}, "Did you mean 'swish'"),
        ({"dtype": "float16"}, "`dtype`"),
    ],
)
def test_bad_input(options, words):
    with pytest.raises(nivp.InputError, match=words):
        nivp.SinusoidalMLP(nivp.Box((0.0,), (1.0,)), 1, **options, key=KEY)


def test_dirichlet_needs_a_boundary():
    torus = nivp.Torus((1.0,))
    inner = nivp.SinusoidalMLP(torus, 1, width=3, depth=1, key=KEY)
    with pytest.raises(nivp.InputError, match="torus"):
        nivp.HardDirichlet(inner, torus)
