"""Domains with a curved boundary."""

import dataclasses
import functools
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import iv

import neural_ivp as nivp
from neural_ivp.domains import Annulus, Ball, LevelSet

from .helpers import KEY, refused

DISC = Ball((0.0, 0.0), 1.0)


def solid_torus(x):  # of the radii 1 and 0.4; its gradient is zero on the axis
    return (x @ x + 1 - 0.16) ** 2 - 4 * (x[0] ** 2 + x[1] ** 2)


def ellipse(x):
    return x[0] ** 2 / 4 + x[1] ** 2 - 1


def shell_moment(d, a, b):
    """The mean of |x|^2 between the radii a and b."""
    return d / (d + 2) * (b ** (d + 2) - a ** (d + 2)) / (b**d - a**d)


# Name: the domain, its volume, the mean of |x - c|^2.
SHAPES = {
    "interval": (Ball((1.0,), 0.5), 1.0, shell_moment(1, 0, 0.5)),
    "disc": (Ball((1.0, -2.0), 0.5), np.pi / 4, shell_moment(2, 0, 0.5)),
    "ball_5d": (Ball((0.0,) * 5, 1.0), 8 * np.pi**2 / 15, shell_moment(5, 0, 1)),
    "two_intervals": (Annulus((0.0,), 1.0, 3.0), 4.0, shell_moment(1, 1, 3)),
    "ring": (Annulus((1.0, 1.0), 0.5, 1.0), 0.75 * np.pi, shell_moment(2, 0.5, 1)),
    "shell_3d": (Annulus((0.0, 0.0, 0.0), 1.0, 2.0), 28 * np.pi / 3, shell_moment(3, 1, 2)),
    "ellipse": (LevelSet(ellipse, (-2.1, -1.1), (2.1, 1.1)), 2 * np.pi, 5 / 4),
    "solid_torus": (
        LevelSet(solid_torus, (-1.5, -1.5, -0.6), (1.5, 1.5, 0.6)),
        2 * np.pi**2 * 0.4**2,
        1 + 0.4**2,
    ),
}
EVERY = pytest.mark.parametrize("name", SHAPES)
FACES = [(name, face) for name, (domain, *_) in SHAPES.items() for face in domain.faces]
EVERY_FACE = pytest.mark.parametrize(("name", "face"), FACES)


@functools.cache
def points_on(name, face):
    domain = SHAPES[name][0]
    unit = jax.random.uniform(KEY, (500, domain.dimension))
    return jax.jit(functools.partial(domain.face_points, face))(unit)


def values(function, points):
    return np.asarray(jax.jit(jax.vmap(function))(jnp.asarray(points)))


@EVERY
def test_volume_and_moment_are_those_of_the_shape(name):
    domain, volume, moment = SHAPES[name]
    is_estimate = isinstance(domain, LevelSet)
    np.testing.assert_allclose(domain.volume, volume, rtol=2e-3 if is_estimate else 1e-14)
    points = domain.low_discrepancy_points(4000)
    assert points.shape == (4000, domain.dimension)
    assert values(domain.contains, points).all()
    centre = (np.asarray(domain.lower) + domain.upper) / 2
    got = np.mean(np.sum((points - centre) ** 2, axis=1))
    np.testing.assert_allclose(got, moment, rtol=0.01)


@EVERY
def test_domains_are_static_without_periods(name):
    domain = SHAPES[name][0]
    assert not jax.tree.leaves(domain) and hash(domain) == hash(domain)
    assert domain.periodic == (False,) * domain.dimension
    x = jnp.full(domain.dimension, 10.0)
    np.testing.assert_array_equal(domain.wrap(x), x)
    assert not domain.contains(x) and not domain.contains(jnp.nan * x)
    assert not domain.contains(x, slack=1e-6)
    np.testing.assert_allclose(domain.to_reference(jnp.asarray(domain.upper)), 1)


@EVERY_FACE
def test_faces_separate_the_inside_from_the_outside(name, face):
    domain, points = SHAPES[name][0], points_on(name, face)
    assert points.shape == (500, domain.dimension)
    size = max(np.subtract(domain.upper, domain.lower))
    distances = values(functools.partial(domain.distance, face), points)
    np.testing.assert_allclose(distances, 0, atol=1e-14 * size)
    outward = jax.jit(jax.vmap(functools.partial(domain.normal, face)))(points)
    np.testing.assert_allclose(np.linalg.norm(outward, axis=1), 1)
    inside, outside = points - 1e-3 * size * outward, points + 1e-3 * size * outward
    assert values(domain.contains, inside).all() and not values(domain.contains, outside).any()
    assert values(lambda x: domain.contains(x, slack=1e-2), outside).all()
    assert (values(functools.partial(domain.distance, face), inside) > 0).all()


@EVERY_FACE
def test_distance_has_unit_slope_at_its_face(name, face):
    domain = SHAPES[name][0]
    gradients = values(jax.grad(functools.partial(domain.distance, face)), points_on(name, face))
    slopes = np.linalg.norm(gradients, axis=1)
    if isinstance(domain, LevelSet):  # on average only
        np.testing.assert_allclose(slopes.mean(), 1, rtol=0.05)
    else:
        np.testing.assert_allclose(slopes, 1)


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_points_on_a_sphere_are_uniform(d):
    ball = Ball(tuple(np.arange(1.0, d + 1)), 2.0)
    face_points = jax.jit(functools.partial(ball.face_points, "sphere"))
    points = np.asarray(face_points(jax.random.uniform(KEY, (20_000, d)))) - ball.centre
    # Four standard deviations are at most 0.06 and 0.04.
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=0.06)
    np.testing.assert_allclose(points.T @ points / len(points), 4 / d * np.eye(d), atol=0.04)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@EVERY_FACE
def test_every_unit_point_has_an_image_on_the_face(name, face, dtype):
    """Also corners and the centre of the cube, where gradients and normal variates may be zero."""
    domain = SHAPES[name][0]
    corners = itertools.product((0.0, 0.5, 1.0), repeat=domain.dimension)
    face_points = jax.jit(functools.partial(domain.face_points, face))
    points = face_points(jnp.asarray(list(corners), dtype))
    assert points.dtype == dtype
    size = max(np.subtract(domain.upper, domain.lower))
    distances = values(functools.partial(domain.distance, face), points)
    np.testing.assert_allclose(distances, 0, atol=10 * size * jnp.finfo(dtype).eps)


def test_points_of_a_level_set_reach_all_of_its_boundary():
    points = np.asarray(points_on("ellipse", "boundary"))
    angles = np.arctan2(points[:, 1], points[:, 0] / 2)
    assert np.histogram(angles, bins=16, range=(-np.pi, np.pi))[0].min() > 5  # 31 if even


@EVERY
def test_vanishing_is_zero_on_its_faces_only(name):
    domain = SHAPES[name][0]
    inside = domain.low_discrepancy_points(2000)
    for count in range(len(domain.faces) + 1):
        for zero_at in itertools.combinations(domain.faces, count):
            vanishing = functools.partial(domain.vanishing, zero_at, ())
            within = values(vanishing, inside)
            assert within.min() > 0 and 0.9 < within.max() <= 1 + 1e-12
            for face in domain.faces:
                at_face = values(vanishing, points_on(name, face))
                if face in zero_at:
                    np.testing.assert_allclose(at_face, 0, atol=1e-13)
                else:
                    np.testing.assert_allclose(at_face, 1)


@pytest.mark.parametrize("name", ["two_intervals", "ring", "shell_3d"])
def test_interpolation_takes_the_values_on_both_faces(name):
    domain = SHAPES[name][0]
    given = {
        "inner": lambda x: jnp.stack([jnp.sin(x[0]), x[-1]]),
        "outer": lambda x: jnp.stack([x[0] ** 2, jnp.ones_like(x[0])]),
    }
    interpolate = functools.partial(domain.interpolate, given)
    for face, value in given.items():
        points = points_on(name, face)
        wanted = values(value, points)
        np.testing.assert_allclose(values(interpolate, points), wanted, atol=1e-13)
        alone = functools.partial(domain.interpolate, {face: value})
        np.testing.assert_array_equal(values(alone, points - 0.1), values(value, points - 0.1))
    inside = domain.low_discrepancy_points(500)
    same = functools.partial(domain.interpolate, dict.fromkeys(given, given["inner"]))
    np.testing.assert_allclose(values(same, inside), values(given["inner"], inside))
    assert np.isfinite(values(jax.jacfwd(interpolate), inside)).all()


@pytest.mark.parametrize("name", ["disc", "ellipse"])
def test_the_value_of_the_only_face_extends_to_the_inside(name):
    domain = SHAPES[name][0]
    given, x = {domain.faces[0]: lambda x: x**2}, jnp.array([0.3, 0.1])
    np.testing.assert_array_equal(domain.interpolate(given, x), x**2)


SAMPLERS = {
    # Four standard deviations of the mean of five draws of independent points: the relative one of
    # the integrand is 0.99.
    "uniform": (nivp.Uniform(4000), 0.028),
    "quasi": (nivp.QuasiMonteCarlo(4000), 0.002),
    "importance": (nivp.ImportanceSampling(4000), 0.002),
    "particles": (nivp.SequentialMonteCarlo(4000, measure="uniform"), 0.028),
}


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("domain", [DISC, LevelSet(lambda x: x @ x - 1, (-1.2,) * 2, (1.3,) * 2)])
def test_samplers_integrate_over_the_disc(name, domain):
    sampler, tolerance = SAMPLERS[name]

    def field(x):  # NaN outside
        return jnp.where(x @ x > 1, jnp.nan, jnp.exp(2 * x[:1]))

    draw, means = eqx.filter_jit(sampler.draw), []
    for seed in range(5):
        key = jax.random.key(seed)
        sample, _ = draw(sampler.init(domain, jnp.float64, key), domain, field, key)
        assert sample.points.shape == (4000, 2)
        assert jnp.all(jnp.sum(sample.points**2, axis=1) <= 1)
        np.testing.assert_allclose(jnp.sum(sample.weights), 1)
        if name in ("uniform", "quasi"):
            np.testing.assert_allclose(sample.weights, 1 / 4000)
        means.append(sample.weights @ jax.vmap(field)(sample.points)[:, 0])
    np.testing.assert_allclose(np.mean(means), iv(1, 2), rtol=tolerance)


def test_the_share_of_importance_is_that_of_the_points_inside():
    sampler = nivp.ImportanceSampling(1000)
    memory = sampler.init(DISC, jnp.float64, KEY)
    sample, _ = sampler.draw(memory, DISC, lambda x: jnp.where(x[:1] > 0, 3.0, 0.0), KEY)
    # The densities are 1/2 + 1/2 * 2 on the right half, where u is twice its mean, and 1/2.
    np.testing.assert_allclose(jnp.mean(sample.points[:, 0] > 0), 3 / 4, atol=0.01)


@pytest.mark.parametrize("sampler", [nivp.Uniform(500), nivp.ImportanceSampling(500)])
def test_samplers_fill_a_small_share_of_the_box_in_float32(sampler):
    ball = Ball((0.0,) * 6, 1.0)  # a twelfth of its box
    memory = sampler.init(ball, jnp.float32, KEY)
    sample, _ = eqx.filter_jit(sampler.draw)(memory, ball, lambda x: jnp.ones(1, x.dtype), KEY)
    assert sample.points.dtype == "float32"
    assert jnp.all(jax.vmap(ball.contains)(sample.points))
    assert len(np.unique(sample.points, axis=0)) == 500
    moment = sample.weights @ jnp.sum(sample.points**2, axis=1)
    np.testing.assert_allclose(moment, 6 / 8, rtol=0.04)


def test_points_that_were_not_found_are_not_numbers():
    class Optimistic(Ball):
        @property
        def fraction(self):
            return 0.999  # a ball fills half of its box

    domain = Optimistic((0.0,) * 3, 1.0)
    for sampler in (nivp.Uniform(1000), nivp.QuasiMonteCarlo(1000)):
        memory = sampler.init(domain, jnp.float64, KEY)
        sample, _ = sampler.draw(memory, domain, lambda x: x[:1], KEY)
        missing = np.isnan(sample.points).any(axis=1)
        assert 200 < missing.sum() < 500
        assert values(domain.contains, sample.points[~missing]).all()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Ball("ab", 1.0), "`centre` must be"),
        (lambda: Ball((0.0, np.inf), 1.0), "`centre` must be"),
        (lambda: Ball((0.0,), 0.0), "`radius` must be finite and positive"),
        (lambda: Ball((0.0,), (1.0,)), "`radius` must be one positive number"),
        (lambda: Annulus((0.0,), 0.0, 1.0), "`inner` must be finite and positive"),
        (lambda: Annulus((0.0,), 1.0, np.nan), "`outer` must be finite and positive"),
        (lambda: Annulus((0.0,), 2.0, 1.0), "`inner` must be the smaller radius, got 2.0"),
        (lambda: LevelSet(3.0, (0.0,), (1.0,)), "`function` must be a function"),
        (lambda: LevelSet(ellipse, (-3.0, -3.0), (3.0,)), "`lower` has 2 numbers"),
        (lambda: LevelSet(ellipse, (-3.0, 3.0), (3.0, 3.0)), "`lower` must lie below"),
        (lambda: LevelSet(ellipse, (-3.0, -0.5), (3.0, 2.0)), "on a face of the box: move `lower`"),
        (lambda: LevelSet(ellipse, (5.0, 5.0), (6.0, 6.0)), "`function` is negative at 0 of"),
        (lambda: LevelSet(ellipse, (-99.0, -99.0), (99.0, 99.0)), "`upper` closer to the region"),
        (lambda: LevelSet(lambda x: -ellipse(x), (-3, -3), (3, 3)), "must be negative inside"),
        (lambda: LevelSet(lambda x: x - 1, (-3, -3), (3, 3)), "the result of `function` has shape"),
        (lambda: LevelSet(lambda x: jnp.argmin(x), (-3,), (3,)), "must return a real number"),
        (lambda: LevelSet(lambda x: jnp.log(x[0] + 1), (-3,), (3,)), "`function` is not finite at"),
        (lambda: LevelSet(lambda x: (x @ x - 1) ** 3, (-3, -3), (3, 3)), "gradient on the bound"),
        (lambda: LevelSet(Unhashable(), (-3,), (3,)), "`function` must be hashable"),
        (lambda: DISC.distance("outer", jnp.zeros(2)), "no face 'outer'. Did you mean|Valid: sph"),
        (lambda: SHAPES["ellipse"][0].face_points("x0-", jnp.zeros((1, 2))), "no face 'x0-'"),
        (lambda: DISC.to_reference(jnp.zeros(3)), "a point has shape"),
        (
            lambda: nivp.Uniform(30_000).draw(
                jnp.zeros(0), Ball((0.0,) * 11, 1.0), lambda x: x, KEY
            ),
            "30000 points of a domain that fills 0.0009 of its bounding box",
        ),
        (
            lambda: Ball((0.0,) * 12, 1.0),
            "in 12 dimensions fills 0.0003 of its bounding box, too little",
        ),
        (
            lambda: Annulus((0.0, 0.0), inner=0.9999, outer=1.0),
            "fills 0.0002 of its bounding box, too little",
        ),
    ],
)
def test_bad_input(make, words):
    with refused(words):
        make()


@dataclasses.dataclass
class Unhashable:
    def __call__(self, x):
        return x @ x - 1
