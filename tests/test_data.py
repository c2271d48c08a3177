"""Fields given as numbers: splines on grids, and samples at scattered points."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator, make_interp_spline
from scipy.sparse.linalg import spsolve

import neural_ivp as nivp
from neural_ivp.data import GriddedData, ScatteredData

from .helpers import refused

BOX, BOX2 = nivp.Box((-1.0,), (2.0,)), nivp.Box((-1.0, 0.0), (2.0, 0.5))
RING = nivp.Torus((3.0,), lower=(-1.0,))
TORUS = nivp.Torus((1.0, 2.0))
RNG = np.random.default_rng(0)


def stretched(low, high, n):
    """An uneven axis: steps differ by a factor of four."""
    steps = np.linspace(1, 4, n - 1)[np.random.default_rng(n).permutation(n - 1)]
    return low + (high - low) * np.concatenate([[0], np.cumsum(steps)]) / np.sum(steps)


def at(field, x):
    """A field at points of shape (n, d), compiled: op by op it takes many times as long."""
    return jax.jit(jax.vmap(field))(x)


def wave(x):
    """Smooth, of the periods of `RING` along every coordinate; shape (n, d) to (n,)."""
    return np.sum(np.exp(np.sin(2 * np.pi * x / 3)), axis=-1)


@pytest.mark.parametrize("degree", [1, 3, 5])
@pytest.mark.parametrize("domain", [BOX, BOX2], ids=["1d", "2d"])
def test_polynomials_of_the_degree_are_reproduced(domain, degree):
    d = domain.dimension

    def exact(x):
        up = 1 + x[..., 0] ** degree - x[..., -1]
        return np.stack([up, x[..., 0] * x[..., -1] ** (degree - (d == 1))], axis=-1)

    axes = [stretched(domain.lower[i], domain.upper[i], 9 + i) for i in range(d)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    field = GriddedData(domain, exact(grid), axes, degree=degree)
    assert field.components == 2
    corners = np.array([domain.lower, domain.upper])
    # At 1.5 corners it is outside, where the end polynomials go on.
    x = np.concatenate([domain.low_discrepancy_points(50), corners, 1.5 * corners])
    np.testing.assert_allclose(at(field, x), exact(x), atol=1e-11)


def derivatives(field, highest):
    """All derivatives of a field of one dimension, of one number."""
    orders = [lambda s: field(s[None])]
    for _ in range(highest):
        orders.append(jax.jacfwd(orders[-1]))
    return lambda s: [order(s) for order in orders]


@pytest.mark.parametrize(("n", "degree"), [(6, 1), (4, 3), (40, 3), (6, 5)])
def test_values_and_all_derivatives_agree_with_scipy(n, degree):
    values = RNG.standard_normal((n, 3))
    for domain in (BOX, RING):
        axis = stretched(-1.0, 2.0, n + 1) if domain is RING else stretched(-1.0, 2.0, n)
        if domain is RING:
            kind, ends = "periodic", np.concatenate([values, values[:1]])
            oracle = make_interp_spline(axis, ends, k=degree, bc_type=kind)
            field = GriddedData(domain, values, [axis[:-1]], degree=degree)
        else:
            oracle = make_interp_spline(axis, values, k=degree)
            field = GriddedData(domain, values, [axis], degree=degree)
        x = domain.low_discrepancy_points(40)
        for order, got in enumerate(at(derivatives(field, degree), x[:, 0])):
            expected = oracle(x[:, 0], nu=order)
            np.testing.assert_allclose(got, expected, atol=1e-10 * np.max(np.abs(expected)))


@pytest.mark.parametrize(("degree", "name"), [(3, "cubic"), (5, "quintic")])
def test_tensor_product_agrees_with_scipy(degree, name):
    box = nivp.Box((0, 0, 0), (1, 2, 3))
    axes = [stretched(0, length, n) for length, n in [(1, 7), (2, 6), (3, 8)]]
    values = RNG.standard_normal((7, 6, 8, 2))
    oracle = RegularGridInterpolator(axes, values, method=name, solver=spsolve)
    x = box.low_discrepancy_points(100)
    field = GriddedData(box, values, axes, degree=degree)
    np.testing.assert_allclose(at(field, x), oracle(x), atol=1e-10)


def test_a_torus_of_two_dimensions_is_one_spline_after_the_other():
    values = RNG.standard_normal((6, 9, 2))
    field = GriddedData(TORUS, values)

    def one(length, values, s):
        axis = np.linspace(0, length, len(values) + 1)
        return make_interp_spline(axis, np.append(values, values[:1], 0), bc_type="periodic")(s)

    x = TORUS.low_discrepancy_points(20)
    expected = np.stack([one(2.0, one(1.0, values, x_k[0]), x_k[1]) for x_k in x])
    np.testing.assert_allclose(at(field, x), expected, atol=1e-12)


@pytest.mark.parametrize("degree", [1, 3, 5])
def test_order_of_convergence(degree):
    x = RING.low_discrepancy_points(500)
    errors = {0: [], 1: []}
    slope = 2 * np.pi / 3 * np.cos(2 * np.pi * x[:, 0] / 3) * wave(x)
    for n in (40, 80):
        axis = np.linspace(-1, 2, n, endpoint=False)
        field = GriddedData(RING, wave(axis[:, None]), degree=degree)
        errors[0].append(np.sqrt(np.mean((at(field, x)[:, 0] - wave(x)) ** 2)))
        got = at(jax.jacrev(field), x)[:, 0, 0]
        errors[1].append(np.sqrt(np.mean((got - slope) ** 2)))
    for order, (coarse, fine) in errors.items():
        rate = np.log2(coarse / fine)
        assert abs(rate - (degree + 1 - order)) < 0.2, (order, rate)


def test_derivatives_of_a_field_of_two_dimensions():
    def exact(x):
        return jnp.sin(2 * jnp.pi * x[0]) * jnp.exp(jnp.cos(jnp.pi * x[1]))[None]

    grid = np.stack(np.meshgrid(np.arange(48) / 48, np.arange(64) / 32, indexing="ij"), axis=-1)
    values = at(jax.vmap(exact), grid)
    field = GriddedData(TORUS, values, degree=5)
    x = TORUS.low_discrepancy_points(30)
    forward, backward = at(lambda x: (jax.jacfwd(field)(x), jax.jacrev(field)(x)), x)
    np.testing.assert_allclose(forward, backward, atol=1e-12)
    np.testing.assert_allclose(forward, at(jax.jacfwd(exact), x), atol=1e-5)
    second = at(jax.hessian(field), x)
    np.testing.assert_allclose(second, at(jax.hessian(exact), x), atol=2e-3)
    ahead = at(nivp.laplacian(field), x)
    np.testing.assert_allclose(ahead, jnp.trace(second, axis1=2, axis2=3), atol=1e-10)


def test_no_seam_on_a_torus():
    axis = np.delete(stretched(-0.9, 2.1, 12), [0, -1])  # begins inside the period
    field = GriddedData(RING, RNG.standard_normal(10), [axis])
    near = jnp.array([axis[0], -1.0, 2.0])[:, None] + jnp.array([[-1e-9, 1e-9]])
    for order in at(derivatives(field, 2), near.reshape(6)):
        np.testing.assert_allclose(order[::2], order[1::2], atol=1e-5)
    x = RING.low_discrepancy_points(20)
    np.testing.assert_allclose(at(field, x - 6.0), at(field, x), atol=1e-12)


@pytest.mark.parametrize("domain", [BOX2, TORUS], ids=["box", "torus"])
def test_the_dtype_follows_the_point_and_the_field_is_an_argument(domain):
    traces = []

    @eqx.filter_jit
    def evaluate(field, x):
        traces.append(1)
        return jax.vmap(field)(x)

    fields = [GriddedData(domain, RNG.standard_normal((8, 9, 2))) for _ in range(2)]
    x = domain.low_discrepancy_points(30)
    single = evaluate(fields[0], jnp.asarray(x, jnp.float32))
    assert single.dtype == jnp.float32 and fields[0].coefficients.dtype == jnp.float64
    for field in fields:
        double = evaluate(field, jnp.asarray(x))
        assert double.dtype == jnp.float64
        np.testing.assert_allclose(double, at(field, x), rtol=1e-12)
    np.testing.assert_allclose(single, evaluate(fields[0], jnp.asarray(x)), atol=2e-5)
    assert len(traces) == 2  # once for each dtype, not for other values
    assert jax.eval_shape(fields[0], jnp.array([0, 0])).dtype == jnp.float64  # whole numbers


HOLES = np.ones((5, 6))
HOLES[2, 3] = HOLES[4, 0] = np.nan
A5, A6 = np.linspace(-1, 2, 5), np.linspace(0, 0.5, 6)
RING_AXIS = np.linspace(-1, 2, 7)


def test_a_repeated_end_without_axes_is_said():
    torus = nivp.Torus((2 * np.pi,))
    with refused("leave out the last one"):
        GriddedData(torus, np.sin(np.linspace(0, 2 * np.pi, 41)))
    GriddedData(torus, np.ones(41))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: GriddedData(BOX2, HOLES), r"`values` has 2 .* first at index \(2, 3\), nan"),
        (lambda: GriddedData(BOX, np.ma.masked_less(np.arange(5), 1)), r"`values` has 1 .*masked"),
        (lambda: GriddedData(BOX, np.ones(5) * 1j), "`values` is complex"),
        (lambda: jax.jit(lambda v: GriddedData(BOX, v))(np.ones(5)), "`values` is traced"),
        (lambda: GriddedData(BOX2, np.ones(5)), "domain of dimension 2: give 2 axes"),
        (lambda: GriddedData(BOX2, np.ones((5, 6)), [A5]), "`axes` must be one 1-D .* got 1"),
        (lambda: GriddedData(BOX, np.ones(5), A5), r"give `axes=\(x,\)`"),
        (lambda: GriddedData(BOX2, np.ones((5, 7)), [A5, A6]), r"lengths \(5, 6\): with several"),
        (lambda: GriddedData(BOX2, np.ones((6, 5)), [A5, A6]), r"np.transpose\(values, \(1, 0\)\)"),
        (
            lambda: GriddedData(BOX2, np.ones((2, 5, 6)), [A5, A6]),
            r"components come last\): give np.transpose\(values, \(1, 2, 0\)\)",
        ),
        (lambda: GriddedData(BOX, np.ones(5), [A5[::-1]]), r"decreases: give axes\[0\]\[::-1\]"),
        (
            lambda: GriddedData(BOX, np.ones(5), [A5**2]),
            r"`axes\[0\]` must increase, but entries 0",
        ),
        (lambda: GriddedData(BOX, np.ones(5), [A5 + np.nan]), r"`axes\[0\]` has 5 entries"),
        (lambda: GriddedData(BOX, np.ones(5), [A5 * 1.1]), "the box from -1.0 to 2.0: the first"),
        (lambda: GriddedData(RING, np.ones(7), [RING_AXIS]), "leave the last one out"),
        (lambda: GriddedData(RING, np.ones(6), [RING_AXIS[:-1] + 0.9]), "must lie in"),
        (lambda: GriddedData(BOX, np.ones(3)), "`values` has 3 points along axis 0, and degree 3"),
        (lambda: GriddedData(BOX, np.ones(5), degree=2), "`degree` must be 1, 3 or 5, got 2"),
        (lambda: GriddedData(BOX, np.ones(5), degree=3.0), "`degree` must be 1, 3 or 5, got 3.0"),
        (lambda: GriddedData(BOX, np.ones(5))(jnp.ones((4, 1))), "vmap over points"),
        (lambda: ScatteredData(BOX2, np.ones((5, 3)), np.ones(5)), r"expected \(n, 2\)"),
        (lambda: ScatteredData(BOX, np.ones(5), np.ones(5)), r"give points\[:, None\]"),
        (lambda: ScatteredData(BOX, np.ones((1, 1)), np.ones(1)), "at least two"),
        (lambda: ScatteredData(BOX, A5[:, None], np.ones(4)), "for 5 points: expected"),
        (lambda: ScatteredData(BOX, A5[:, None], np.ones((5, 6))), "6 components at only 5 points"),
        (lambda: ScatteredData(BOX, A5[:, None], HOLES[:, 0]), r"`values` has 1 .* index \(4,\)"),
        (lambda: ScatteredData(BOX, 2 * A5[:, None], A5), "3 points outside .* first at index 0"),
        (lambda: ScatteredData(BOX, A5[:, None], A5, np.ones(4)), "`weights` has shape"),
        (lambda: ScatteredData(BOX, A5[:, None], A5, A5), "`weights` must be positive, got -1.0"),
    ],
)
def test_bad_input(make, words):
    with refused(words):
        make()


def test_scattered():
    points = RNG.uniform(-5, 5, (7, 2))
    plain = ScatteredData(TORUS, points, points[:, 0])
    np.testing.assert_array_equal(plain.points, points)  # not moved into the period
    assert plain.components == 1 and plain.values.shape == (7, 1)
    np.testing.assert_allclose(plain.weights, 1 / 7)
    weighted = ScatteredData(TORUS, points, points, weights=np.arange(1, 8))
    assert weighted.components == 2
    np.testing.assert_allclose(weighted.weights, np.arange(1, 8) / 28)
