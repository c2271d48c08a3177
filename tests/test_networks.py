"""Boundary values, periodicity, the linear head, the vector of parameters, and each one's J."""

import tomllib

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.cli._list import list_catalogue
from neural_ivp.config import make_config
from neural_ivp.evolution import Segment
from neural_ivp.linear.linearisation import StructuredLinearisation
from neural_ivp.networks import with_head

from .helpers import KEY, PROBLEMS, TINY, error, refused, small_network

SQUARE = nivp.Box((-1.0, 0.0), (1.0, 3.0))
FLAT = nivp.Torus((2.0, 3.0), lower=(0.5, 0.0))


def small_mlp(domain=SQUARE, components=2, **options):
    sizes = {"width": 5, "depth": 2, "num_frequencies": 2, "activation": "tanh"}
    return nivp.SinusoidalMLP(domain, components, **{**sizes, **options}, key=KEY)


# Architectures beside the one of `small_network`, and whether their J has a structure to use.
KINDS = {
    "rational": (small_mlp(activation="rational", depth=1), False),
    "sizes": (small_mlp(width=(4, 6), depth=(1, 2)), True),
    "trunk": (small_mlp(depth=3, shared=2), True),
    "whole_trunk": (small_mlp(depth=(2, 3), shared=2), True),
    "rational_trunk": (small_mlp(activation="rational", depth=(1, 2), shared=1), False),
    "series_box": (nivp.FourierSeries(SQUARE, 2, modes=(3, 2), key=KEY), False),
    "series_torus": (nivp.FourierSeries(FLAT, 2, modes=2, key=KEY), False),
}


def test_dirichlet_vanishes_on_the_boundary():
    problem = PROBLEMS["wave_2d"]
    network = small_network(problem)
    u = nivp.trials.trial_for(problem, network).field(network, 0.0)
    edge = jnp.array([[1.0, 0.3], [-1.0, 0.9], [0.2, -1.0]])
    np.testing.assert_allclose(jax.vmap(u)(edge), 0, atol=1e-15)
    assert jnp.all(u(jnp.array([0.1, 0.2])) != 0)


def test_torus_embedding_is_periodic():
    network = small_network(PROBLEMS["advection_torus"])
    x = jnp.array([0.4, 1.1])
    np.testing.assert_allclose(network(x), network(x + jnp.array([2.0, -3.0])), rtol=1e-12)
    slope = nivp.grad(network)
    np.testing.assert_allclose(slope(x), slope(x + jnp.array([4.0, 3.0])), rtol=1e-10)


def test_components_share_no_weights():
    network = nivp.SinusoidalMLP(nivp.Box((0.0,), (1.0,)), 2, width=4, depth=2, key=KEY)
    theta, rebuild = nivp.networks.flatten(network)
    x = jnp.array([0.3])
    jacobian = jax.jacrev(lambda theta: rebuild(theta)(x))(theta)
    assert not jnp.any((jacobian[0] != 0) & (jacobian[1] != 0))


def test_value_is_linear_in_the_head_and_flatten_is_exact():
    network = small_network(PROBLEMS["wave_2d"])
    x = jnp.array([0.3, -0.2])
    np.testing.assert_allclose(
        with_head(network, jax.tree.map(lambda w: 3 * w, network.head))(x), 3 * network(x)
    )
    theta, rebuild = nivp.networks.flatten(network)
    assert theta.ndim == 1 and jnp.all(rebuild(theta)(x) == network(x))


def test_a_component_that_starts_at_zero_has_a_full_jacobian():
    problem = PROBLEMS["wave_1d"]
    network = small_network(problem)
    stages, trial = (nivp.LastLayer(num_points=200),), nivp.trials.trial_for(problem, network)
    parts = network, problem.initial, problem.domain, stages
    fitted = nivp.fit(*parts, trial=trial, key=KEY).network
    theta, rebuild = nivp.networks.flatten(fitted)
    slope = jax.jacrev(lambda theta: rebuild(theta)(jnp.array([0.2]))[1])(theta)
    assert jnp.mean(slope != 0) > 0.9
    with refused("`matrix` must be invertible"):
        nivp.LinearCombination(network, ((1, 1), (1, 1)))


def test_paper_network_has_the_published_number_of_parameters():
    problem = nivp.problems.Advection(2)
    network = nivp.default_network(problem, key=KEY, width=100, depth=3, num_frequencies=3)
    assert nivp.networks.flatten(network)[0].size == 21_601  # shared/problems.md, advection_2d


def test_dtype_follows_the_choice():
    problem = PROBLEMS["heat_1d"]
    network = small_network(problem, dtype="float32")
    assert nivp.networks.flatten(network)[0].dtype == jnp.float32
    assert network(jnp.ones(1, jnp.float32)).dtype == jnp.float32


def test_redrawn_has_the_same_architecture_and_other_weights():
    network = small_network(PROBLEMS["heat_1d"])
    other = network.reinitialised(jax.random.key(9))
    assert jax.tree.structure(other) == jax.tree.structure(network)
    same = nivp.networks.flatten(other)[0] == nivp.networks.flatten(network)[0]
    assert not jnp.any(same)


@pytest.mark.parametrize("name", KINDS)
def test_linearise_equals_differentiation(name):
    """Its columns and both of its products, with a norm of two scales."""
    network, structured = KINDS[name]
    theta, rebuild = nivp.networks.flatten(network)
    points = jnp.asarray(network.domain.low_discrepancy_points(7))
    sample = nivp.WeightedPoints(points, jnp.full(7, 1 / 7))
    lin = eqx.filter_jit(nivp.linear.linearise)(network, theta, sample, nivp.L2((1.0, 2.0)))
    assert isinstance(lin, StructuredLinearisation) == structured
    v, w = jax.random.normal(KEY, theta.shape), jax.random.normal(KEY, (7, 2))

    @jax.jit
    def dense(theta, x):
        return jax.jacrev(lambda theta: rebuild(theta)(x) / jnp.array([1.0, 2.0]))(theta)

    jacobian = np.stack([dense(theta, x) for x in points])
    assert np.all(np.any(jacobian != 0, axis=(0, 1)))  # every parameter matters
    columns, push, pull = eqx.filter_jit(lambda lin: (lin.jacobian(), lin.push(v), lin.pull(w)))(
        lin
    )
    assert error(columns, jacobian) < 1e-14
    assert error(push, jacobian @ v) < 1e-14
    assert error(pull, np.einsum("nq,nqp->p", w, jacobian)) < 1e-14


@pytest.mark.parametrize("name", KINDS)
def test_head_and_redrawing_of_every_kind(name):
    network, _ = KINDS[name]
    x = jnp.array([0.7, 0.2])
    tripled = with_head(network, jax.tree.map(lambda w: 3 * w, network.head))
    np.testing.assert_allclose(tripled(x), 3 * network(x), rtol=1e-13)
    other = network.reinitialised(jax.random.key(9))
    assert jax.tree.structure(other) == jax.tree.structure(network)
    assert jnp.all(other(x) != network(x))
    again = other.reinitialised(KEY)
    assert jnp.array_equal(nivp.networks.flatten(again)[0], nivp.networks.flatten(network)[0])


def test_rational_starts_near_the_relu_and_is_trained():
    x = jnp.linspace(-1, 1, 201)
    rational = nivp.networks.Rational("float64")
    # The best uniform approximation: its error is largest at both ends and at 0 (to 4 digits).
    off = rational(x) - jax.nn.relu(x)
    assert jnp.max(jnp.abs(off)) < 0.0219
    np.testing.assert_allclose(off[jnp.array([0, 100, 200])], [-0.0219, 0.0218, -0.0219], atol=5e-5)
    a, b = np.polynomial.Polynomial(rational.numerator), rational.denominator
    np.testing.assert_allclose(rational(x), a(x) / np.polynomial.Polynomial(b)(x), rtol=1e-13)
    plain, fitted = small_mlp(depth=2), small_mlp(depth=2, activation="rational")
    extra = nivp.networks.flatten(fitted)[0].size - nivp.networks.flatten(plain)[0].size
    assert extra == 2 * 2 * 7  # seven for each hidden layer of each tower


def test_sizes_of_towers_and_trunk():
    towers = KINDS["sizes"][0].towers
    widths = [[layer.weight.shape[0] for layer in tower] for tower in towers]
    assert widths == [[4, 1], [6, 6, 1]]
    network = KINDS["whole_trunk"][0]
    assert [layer.weight.shape[0] for layer in network.trunk] == [5, 5]
    assert [len(tower) for tower in network.towers] == [1, 2]
    theta, rebuild = nivp.networks.flatten(network)
    jacobian = jax.jacrev(lambda theta: rebuild(theta)(jnp.array([0.3, 0.4])))(theta)
    trunk = sum(layer.weight.size + layer.bias.size for layer in network.trunk)
    both = (jacobian[0] != 0) & (jacobian[1] != 0)
    assert jnp.all(both[:trunk]) and not jnp.any(both[trunk:])


@pytest.mark.parametrize("name", ["series_box", "series_torus"])
def test_series_is_linear_in_its_parameters(name):
    """Twice the parameters are twice the value, to the last bit."""
    network, _ = KINDS[name]
    theta, rebuild = nivp.networks.flatten(network)
    assert theta.size == {"series_box": 2 * 3 * 2, "series_torus": 2 * 5**2}[name]
    x = jnp.array([0.7, 0.2])
    assert jnp.array_equal(rebuild(2 * theta)(x), 2 * rebuild(theta)(x))
    jacobian = jax.jacfwd(lambda theta: rebuild(theta)(x))
    assert jnp.array_equal(jacobian(theta), jacobian(jnp.ones_like(theta)))
    assert error(jacobian(theta) @ theta, network(x)) < 1e-14


def test_series_interpolates_a_trigonometric_polynomial():
    """A square system of numpy finds the coefficients; away from its points it is exact too."""

    def wanted(x):
        a, b = np.pi * (x[:, 0] - 0.5), 2 * np.pi * x[:, 1] / 3
        return 0.3 + np.cos(2 * a) * np.sin(b) - 2 * np.sin(a) + 0.5 * np.cos(a) * np.cos(2 * b)

    network = nivp.FourierSeries(FLAT, 1, modes=2, key=KEY)
    grid = np.stack(np.meshgrid(np.arange(5) / 5, np.arange(5) / 5, indexing="ij"), -1)
    grid = grid.reshape(-1, 2) * np.array([2.0, 3.0]) + np.array([0.5, 0.0])
    matrix = np.asarray(jax.vmap(network.features)(jnp.asarray(grid)))
    found, _, rank, _ = np.linalg.lstsq(matrix, wanted(grid))
    assert rank == 25
    fitted = eqx.tree_at(lambda net: net.coefficients, network, jnp.asarray(found[None]))
    points = FLAT.low_discrepancy_points(50)
    np.testing.assert_allclose(jax.vmap(fitted)(points)[:, 0], wanted(points), atol=1e-13)
    # The order of the products: 1, cos, cos 2, sin, sin 2 in each dimension, the last one fastest.
    terms = {0: 0.3, 5 * 2 + 3: 1.0, 5 * 3: -2.0, 5 * 1 + 2: 0.5}
    np.testing.assert_allclose(found, [terms.get(k, 0) for k in range(25)], atol=1e-13)


def test_series_vanishes_on_the_boundary_of_a_box_and_is_periodic_on_a_torus():
    box, torus = KINDS["series_box"][0], KINDS["series_torus"][0]
    edge = jnp.array([[1.0, 0.3], [-1.0, 0.9], [0.2, 0.0], [0.2, 3.0]])
    np.testing.assert_allclose(jax.vmap(box)(edge), 0, atol=1e-15)
    assert jnp.all(box(jnp.array([0.1, 0.2])) != 0)
    x, periods = jnp.array([0.4, 1.1]), jnp.array([4.0, -3.0])
    np.testing.assert_allclose(torus(x), torus(x + periods), rtol=1e-12)
    slope = nivp.grad(torus)
    np.testing.assert_allclose(slope(x), slope(x + periods), rtol=1e-11)


def test_the_default_series_of_a_problem():
    """Nothing keeps it off the boundary but itself; the scales of the components go around it."""
    heat = PROBLEMS["heat_1d"]
    series = nivp.default_network(heat, kind=nivp.FourierSeries, modes=4, key=KEY)
    assert isinstance(series, nivp.FourierSeries)
    wave = nivp.default_network(
        PROBLEMS["wave_1d"], kind=nivp.FourierSeries, modes=4, dtype="float32", key=KEY
    )
    assert isinstance(wave, nivp.LinearCombination) and isinstance(wave.inner, nivp.FourierSeries)
    np.testing.assert_allclose(np.diag(wave.matrix), PROBLEMS["wave_1d"].norm.scales)
    assert np.count_nonzero(wave.matrix) == 2
    edge = jnp.array([1.0], jnp.float32)
    assert wave(edge).dtype == jnp.float32 and jnp.all(jnp.abs(wave(edge)) < 1e-4)
    with refused("`kind` must be SinusoidalMLP or FourierSeries"):
        nivp.default_network(heat, kind="FourierSeries", key=KEY)
    for problem in (heat, nivp.problems.Wave(1)):
        with refused("`modes` is missing: FourierSeries needs it, as in `default_network"):
            nivp.default_network(problem, kind=nivp.FourierSeries, key=KEY)
    with refused("`widht` is no option of SinusoidalMLP. Did you mean 'width'"):
        nivp.default_network(heat, widht=8, key=KEY)


@pytest.mark.parametrize(
    "table",
    [
        {"name": "FourierSeries", "modes": 8},
        {"name": "FourierSeries", "modes": [3]},
        {"width": [4], "depth": [2], "shared": 1, "activation": "rational"},
    ],
)
def test_a_config_names_them_and_its_resolved_one_is_the_same_run(table):
    config = make_config({**tomllib.loads(TINY), "network": table})
    assert config.resolved["network"].items() >= table.items()
    again = make_config(tomllib.loads(config.toml()))
    assert again.resolved == config.resolved
    assert jax.tree.structure(again.network) == jax.tree.structure(config.network)
    theta = nivp.networks.flatten(config.network)[0]
    np.testing.assert_array_equal(nivp.networks.flatten(again.network)[0], theta)
    if "modes" in table:
        assert theta.size == 2 * np.max(table["modes"]) + 1


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"name": "FourierSeries"}, "`network.modes` is missing: FourierSeries needs it"),
        ({"name": "FourierSeries", "modes": 0}, "`network.modes` must be an integer of at least 1"),
        ({"name": "FourierSeries", "width": 3}, "unknown key `network.width` in FourierSeries"),
        ({"name": "Fourier"}, "`network.name` cannot be .*'FourierSeries'"),
        ({"width": "wide"}, '`network.width` must be an integer, got "wide"'),
        ({"width": [3.5]}, "`network.width.0` must be an integer, got 3.5"),
        ({"width": [3, 4]}, "`network.width` must be an integer or one per component, 1 in all"),
        (["FourierSeries"], "`network` must be a table"),
    ],
)
def test_bad_configs_of_networks(table, words):
    with refused(words):
        make_config({**tomllib.loads(TINY), "network": table})


def test_the_catalogue_lists_the_series(capsys):
    assert list_catalogue() == 0
    assert "FourierSeries" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["rational_trunk", "sizes", "series_box", "series_torus"])
def test_files_hold_every_kind_bit_for_bit(name, tmp_path):
    """After a restart too: a file has the numbers of each segment and one architecture."""
    network, _ = KINDS[name]
    segments = []
    for start, net in ((0.0, network), (1.0, network.reinitialised(jax.random.key(1)))):
        theta = np.asarray(nivp.networks.flatten(net)[0])
        ts, ends = np.array([start, start + 1]), np.stack([theta, 1.1 * theta])
        segments.append(Segment(ts, ends, ends[:1], ends[1:]))
    problem = nivp.problems.Wave(domain=network.domain)
    ts = np.array([0.0, 2.0])
    solution = nivp.Solution(problem, network, ts, segments, {}, "successful", "", [])
    solution.save(tmp_path / "a.nivp")
    loaded = nivp.load(tmp_path / "a.nivp")
    assert jax.tree.structure(loaded.template) == jax.tree.structure(network)
    x = network.domain.low_discrepancy_points(5)
    for t in (0.0, 0.3, 1.5, 2.0):
        assert np.array_equal(loaded(t, x), solution(t, x))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"width": 0}, "`width` must be an integer of at least 1, got 0"),
        ({"depth": 1.5}, "`depth`"),
        ({"activation": "swihs"}, "Did you mean 'swish'"),
        ({"dtype": "float16"}, "`dtype`"),
        ({"width": (4, 5, 6)}, "`width` must be an integer or one per component, 2 in all, got 3"),
        ({"depth": (4, 0)}, "`depth` must be an integer of at least 1, got 0"),
        ({"shared": -1}, "`shared` must be an integer of at least 0, got -1"),
        ({"shared": 3, "depth": (2, 4)}, "`shared` must be at most the `depth` .*, 2, got 3"),
        ({"shared": 1, "width": (4, 5)}, "`shared` layers need towers of one `width`"),
    ],
)
def test_bad_input(options, words):
    with refused(words):
        nivp.SinusoidalMLP(nivp.Box((0.0,), (1.0,)), 2, **options, key=KEY)


@pytest.mark.parametrize(
    ("modes", "words"),
    [
        (0, "`modes` must be an integer of at least 1, got 0"),
        ((3, -1), "`modes` must be an integer of at least 1, got -1"),
        ((3,), "`modes` must be an integer or one per dimension, 2 in all, got 1"),
        (2.0, "`modes` must be an integer of at least 1, got 2.0"),
    ],
)
def test_bad_modes(modes, words):
    with refused(words):
        nivp.FourierSeries(FLAT, 1, modes=modes, key=KEY)


class Scaled(nivp.networks.AbstractNetwork):
    """Two dense layers and two constants that are no parameters: an array and a layer."""

    trained: nivp.networks.Dense
    frozen: nivp.networks.Dense
    factor: jax.Array

    @property
    def trainable(self):
        return self.trained

    @property
    def head(self):
        return self.trained

    def __call__(self, x):
        return self.factor * self.trained(jnp.tanh(self.frozen(x)))

    def reinitialised(self, key):
        return self


def test_parameters_are_those_that_a_network_declares():
    frozen = nivp.networks.Dense(jnp.ones((4, 1)), jnp.linspace(-1, 1, 4))
    trained = nivp.networks.Dense(jnp.ones((1, 4)), jnp.zeros(1))
    network = Scaled(trained, frozen, jnp.asarray(2.0))
    theta, rebuild = nivp.networks.flatten(network)
    assert theta.size == 5
    other = rebuild(theta + 1)
    assert other.factor == 2.0 and jnp.all(other.frozen.weight == frozen.weight)
    assert jnp.all(other.trained.weight == 2.0)
    points = nivp.WeightedPoints.equal(jnp.linspace(0, 1, 7)[:, None])
    norm = nivp.L2((1.0,))
    J = nivp.linear.linearise(network, theta, points)
    dense = jax.jacfwd(lambda p: norm.on_points(rebuild(p), points.points))(theta)
    assert isinstance(J, StructuredLinearisation) and J.num_parameters == 5
    np.testing.assert_allclose(J.jacobian(), dense, atol=1e-14)
    fitted = nivp.fit(
        network,
        lambda x: jnp.sin(x),
        nivp.Box((0.0,), (1.0,)),
        (nivp.GaussNewton(steps=20), nivp.Adam(steps=5)),
        key=jax.random.key(0),
    )
    assert fitted.network.factor == 2.0
    np.testing.assert_array_equal(fitted.network.frozen.weight, frozen.weight)
    assert fitted.relative_l2_error < 0.1


def test_the_field_of_a_solution_can_be_differentiated():
    problem = nivp.problems.Heat(domain=nivp.Torus((1.0,)), diffusivity=0.1)
    network = nivp.default_network(problem, width=4, depth=1, key=jax.random.key(0))
    theta = np.asarray(nivp.networks.flatten(network)[0])
    segment = Segment(np.zeros(1), theta[None], theta[None][:0], theta[None][:0])
    solution = nivp.Solution(problem, network, np.zeros(1), [segment], {}, "successful", "", [])
    x = jnp.array([0.3])
    slope = nivp.grad(solution.field(0.0))(x)
    step = 1e-6
    rise = (solution(0.0, x + step) - solution(0.0, x - step)) / (2 * step)
    np.testing.assert_allclose(slope[0], rise, rtol=1e-6)
