"""Geometry and points."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.domains import Interval, Periodic, ProductDomain

from .helpers import KEY, refused, trap_in_box

BOX = nivp.Box((-1.0, 0.0), (1.0, 3.0))
TORUS = nivp.Torus((2.0, 4.0), lower=(-1.0, 0.0))
CHANNEL = ProductDomain((Periodic(2.0, lower=-1.0), Interval(0.0, 3.0)))


def test_geometry():
    assert BOX.volume == 6 and TORUS.volume == 8
    assert BOX.periodic == (False, False) and TORUS.periodic == (True, True)
    assert BOX.faces == ("x0-", "x0+", "x1-", "x1+") and TORUS.faces == ()
    assert BOX.fraction == TORUS.fraction == 1
    x = jnp.array([0.5, 2.9])
    assert BOX.contains(x) and not BOX.contains(x + 1) and TORUS.contains(x + 1)
    np.testing.assert_allclose(BOX.to_reference(jnp.array([-1.0, 3.0])), [-1, 1])
    assert hash(BOX) == hash(nivp.Box([-1, 0], [1, 3]))


def test_a_channel_is_periodic_along_one_axis():
    assert CHANNEL.dimension == 2 and CHANNEL.volume == 6
    assert CHANNEL.lower == (-1, 0) and CHANNEL.upper == (1, 3)
    assert CHANNEL.periodic == (True, False) and CHANNEL.faces == ("x1-", "x1+")
    assert hash(CHANNEL) == hash(ProductDomain([Periodic(2, lower=-1), Interval(0, 3)]))
    np.testing.assert_allclose(CHANNEL.wrap(jnp.array([1.5, 3.5])), [-0.5, 3.5])
    for x, inside in [([9, 1], True), ([0, 3], True), ([0, 3.1], False), ([0, -0.1], False)]:
        assert CHANNEL.contains(jnp.array(x, float)) == inside
    assert CHANNEL.contains(jnp.array([9, 3.1]), slack=0.05)
    assert not CHANNEL.contains(jnp.array([jnp.nan, 1])) and not CHANNEL.contains(jnp.full(2, 9.0))
    points = jnp.array([[-0.9, 0.5], [0.9, 2.5]])  # across the seam of the first axis
    got = CHANNEL.deviations_from_mean(points)
    np.testing.assert_allclose(got, [[0.1, -1], [-0.1, 1]], atol=1e-12)


@pytest.mark.parametrize("domain", [BOX, CHANNEL], ids=["box", "channel"])
def test_faces_of_axes(domain):
    unit = jax.random.uniform(KEY, (50, 2))
    for face in domain.faces:
        axis, sign = int(face[1]), 1 if face[2] == "+" else -1
        points = domain.face_points(face, unit)
        wanted = np.array(jax.vmap(domain.from_unit)(unit))
        wanted[:, axis] = (domain.upper if sign > 0 else domain.lower)[axis]
        np.testing.assert_array_equal(points, wanted)
        for x in points[:3]:
            normal = sign * jnp.eye(2)[axis]
            np.testing.assert_array_equal(domain.normal(face, x), normal)
            assert domain.distance(face, x) == 0
            np.testing.assert_allclose(domain.distance(face, x - 0.25 * normal), 0.25)


def solution(x):
    return jnp.stack([jnp.sin(x[0]) + x[1] ** 2, jnp.exp(x[0] * x[1])])


def only_at(domain, face):
    """A function that agrees with `solution` on one face."""
    return lambda x: solution(x) + jnp.sin(domain.distance(face, x))


@pytest.mark.parametrize("domain", [BOX, CHANNEL], ids=["box", "channel"])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_interpolation_takes_the_values_on_all_faces(domain, count):
    """Of any number of faces: both ends of one axis, one end of another."""
    values = {face: only_at(domain, face) for face in domain.faces[:count]}
    interpolate = jax.jit(jax.vmap(lambda x: domain.interpolate(values, x)))
    for face in values:
        points = domain.face_points(face, jax.random.uniform(KEY, (50, 2)))
        wanted = jax.vmap(solution)(points)
        # The functions agree where faces meet, so no point is of two minds.
        np.testing.assert_allclose(interpolate(points), wanted, rtol=1e-13, atol=1e-13)


def test_interpolation_between_the_ends_of_one_axis():
    inside = jnp.array([0.4, 1.0])
    one = {"x1-": lambda x: x}  # of the point on the face, at all distances from it
    np.testing.assert_allclose(CHANNEL.interpolate(one, inside), [0.4, 0])
    both = {"x1-": lambda x: x, "x1+": lambda x: x + 1}
    np.testing.assert_allclose(CHANNEL.interpolate(both, inside), [0.4 + 1 / 3, 4 / 3])

    # Functions that are linear along each axis are their own transfinite interpolants.
    def bilinear(x):
        return (1 + 2 * x[:1]) * (3 - x[1:])

    got = BOX.interpolate(dict.fromkeys(BOX.faces, bilinear), inside)
    np.testing.assert_allclose(got, bilinear(inside))


@pytest.mark.parametrize(
    ("faces", "even"),
    [
        ((), ()),
        (("x1-",), ()),
        (("x1+",), ("x1-",)),
        (("x1-",), ("x1+",)),
        (("x0+", "x1-", "x1+"), ("x0-",)),
        (("x0-", "x1+"), ("x0+", "x1-")),
        (("x0-", "x0+", "x1-", "x1+"), ()),
    ],
)
def test_vanishing_is_zero_on_its_faces_only(faces, even):
    domain = CHANNEL if not any(face.startswith("x0") for face in faces) else BOX

    def vanishing(x):
        return domain.vanishing(faces, even, x)

    unit = jax.random.uniform(KEY, (50, 2))
    inside = jax.vmap(vanishing)(jax.vmap(domain.from_unit)(unit))
    assert inside.min() > 0 and 0.5 < inside.max() <= 1
    for face in domain.faces:
        points = domain.face_points(face, unit)
        at_face = jax.vmap(vanishing)(points)
        assert jnp.all(at_face == 0) if face in faces else jnp.all(at_face > 0)
        if face in even:
            slopes = jax.vmap(jax.grad(vanishing))(points)[:, int(face[1])]
            np.testing.assert_allclose(slopes, 0, atol=1e-15)


@pytest.mark.parametrize("domain", [BOX, TORUS, CHANNEL], ids=["box", "torus", "channel"])
def test_spread_points_fill_the_domain_evenly(domain):
    points = domain.low_discrepancy_points(4000)
    assert points.shape == (4000, 2)
    unit = (points - domain.lower) / (np.asarray(domain.upper) - domain.lower)
    counts, *_ = np.histogram2d(*unit.T, bins=10, range=[[0, 1], [0, 1]])
    assert counts.min() >= 35 and counts.max() <= 45  # 40 each; random points vary by 6


@pytest.mark.parametrize(
    "sampler", [nivp.Uniform(4000), nivp.QuasiMonteCarlo(4000), nivp.ImportanceSampling(4000)]
)
def test_samplers_integrate_against_the_uniform_density(sampler):
    def field(x):
        return jnp.exp(-20 * jnp.sum((x - 1.0) ** 2))[None]

    means = []
    for seed in range(5):
        key = jax.random.key(seed)
        memory = sampler.init(BOX, jnp.float64, key)
        sample, _ = sampler.draw(memory, BOX, field, key)
        assert jnp.all(jax.vmap(BOX.contains)(sample.points))
        np.testing.assert_allclose(jnp.sum(sample.weights), 1)
        means.append(sample.weights @ jax.vmap(field)(sample.points)[:, 0])
    from scipy.integrate import dblquad

    exact = dblquad(lambda y, x: np.exp(-20 * ((x - 1) ** 2 + (y - 1) ** 2)), -1, 1, 0, 3)[0] / 6
    # Four standard deviations of independent points; the others are far better.
    tolerance = {"Uniform": 0.2, "QuasiMonteCarlo": 0.02, "ImportanceSampling": 0.02}
    assert abs(np.mean(means) / exact - 1) < tolerance[type(sampler).__name__]


def test_following_puts_points_where_the_solution_is():
    def field(x):
        return jnp.exp(-50 * jnp.sum((x - 1.0) ** 2))[None]

    sampler = nivp.ImportanceSampling(1000)
    memory = sampler.init(BOX, jnp.float64, jax.random.key(0))
    sample, _ = sampler.draw(memory, BOX, field, jax.random.key(0))
    near = jnp.linalg.norm(sample.points - 1.0, axis=1) < 0.3
    assert jnp.mean(near) > 0.4  # a twentieth of the domain's area
    zero, _ = sampler.draw(memory, BOX, lambda x: jnp.zeros(1), jax.random.key(0))
    np.testing.assert_allclose(zero.weights, 1e-3)


def draws(sampler, problem, count=2, dtype=jnp.float64):
    """Samples of the initial value, one after another."""
    memory = sampler.init(problem.domain, dtype, jax.random.key(0))
    draw = eqx.filter_jit(sampler.draw)
    samples = []
    for seed in range(count):
        sample, memory = draw(memory, problem.domain, problem.initial, jax.random.key(seed))
        samples.append(sample)
    return samples


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_particles_find_a_narrow_bump_in_five_dimensions(dtype):
    """A bump that fills 1e-6 of the box: no set of candidates meets it."""
    problem = nivp.problems.Advection(5)  # of width 0.05 in [-1, 1]^5
    sampler = nivp.SequentialMonteCarlo(2_000, measure="uniform")
    for sample in draws(sampler, problem, dtype=dtype):
        assert sample.points.dtype == dtype
        particles = np.asarray(sample.points)[:1600]  # the others are uniform
        np.testing.assert_allclose(particles.std(axis=0), 0.05, rtol=0.1)
        # The weights are those of the uniform density: the integral over the box comes out.
        values = jax.vmap(problem.initial)(sample.points)[:, 0]
        integral = sample.weights @ values * problem.domain.volume
        exact = (2 * np.pi * 0.05**2) ** 1.5 / 30
        np.testing.assert_allclose(integral, exact, rtol=0.3)


def test_particles_in_their_own_measure_follow_a_density_in_eight_dimensions():
    problem = trap_in_box(8)
    for sample in draws(nivp.SequentialMonteCarlo(2_000, fraction=1.0), problem):
        np.testing.assert_allclose(sample.weights, 1 / 2_000)
        points = np.asarray(sample.points)
        np.testing.assert_allclose(points.mean(axis=0), problem.mean, atol=0.05)
        np.testing.assert_allclose(np.cov(points.T), 0.1 * np.eye(8), atol=0.02)


def test_particles_of_a_field_that_vanishes_are_uniform():
    problem = nivp.Problem(
        domain=BOX, boundary=nivp.Free(), initial=lambda x: 0 * x[:1], rhs=lambda u, t, x: u(x)
    )
    sample, _ = draws(nivp.SequentialMonteCarlo(3_000, fraction=1.0), problem)
    means = np.asarray(sample.points).mean(axis=0)
    np.testing.assert_allclose(means, np.mean([BOX.lower, BOX.upper], axis=0), atol=0.2)


def test_particles_stay_in_the_period():
    def initial(x):  # across the seam
        return jnp.exp(-20 * jnp.sin(x[:1] / 2) ** 2)

    torus = nivp.Torus((2 * np.pi,))
    problem = nivp.Problem(domain=torus, initial=initial, rhs=lambda u, t, x: u(x))
    sample, _ = draws(nivp.SequentialMonteCarlo(2_000, fraction=1.0), problem)
    points = np.asarray(sample.points)[:, 0]
    assert points.min() >= 0 and points.max() <= 2 * np.pi
    assert 0.4 < np.mean(points < np.pi) < 0.6


def test_points_are_centred_the_short_way_round():
    points = jnp.array([[0.1], [6.2], [0.2]])
    wanted = np.array([[0.1], [6.2 - 2 * np.pi], [0.2]])
    got = nivp.Torus((2 * np.pi,)).deviations_from_mean(points)
    np.testing.assert_allclose(got, wanted - wanted.mean(), atol=1e-3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nivp.SequentialMonteCarlo(10, fraction=0.0), "`fraction` must lie in"),
        (
            lambda: nivp.SequentialMonteCarlo(10, fraction=1.0, measure="uniform"),
            "`fraction` must be below 1",
        ),
        (lambda: nivp.SequentialMonteCarlo(10, measure="mine"), "`measure` must be"),  # pyright: ignore
        (lambda: nivp.SequentialMonteCarlo(10, num_mcmc_steps=0), "`num_mcmc_steps`"),
        (lambda: nivp.Box((0,), (0,)), "`lower` must lie below"),
        (lambda: nivp.Box((0,), (1, 2)), "`lower` has 1 numbers"),
        (lambda: nivp.Box("ab", (1,)), "`lower` must be"),
        (lambda: nivp.Torus((-1,)), "`lengths` must be finite and positive"),
        (lambda: nivp.Torus((1,), lower=(0, 0)), "`lower` has 2"),
        (lambda: Interval(1.0, 1.0), "`lower` must lie below `upper`, got 1.0"),
        (lambda: Interval(0.0, np.inf), "`upper` must be one finite number"),
        (lambda: Periodic(0.0), "`length` must be finite and positive"),
        (lambda: Periodic(1.0, lower=np.nan), "`lower` must be one finite number"),
        (lambda: ProductDomain(()), "`axes` must be a tuple"),
        (lambda: ProductDomain(Periodic(1.0)), "`axes` must be a tuple"),
        (lambda: ProductDomain((1.0, 2.0)), "`axes` must hold"),
        (lambda: nivp.Uniform(0), "`num_points`"),
        (lambda: nivp.ImportanceSampling(10, fraction=1.0), "`fraction`"),
    ],
)
def test_bad_input(make, words):
    with refused(words):
        make()


def test_following_leaves_no_gaps():
    """Picking every 32nd of evenly spread candidates once left gaps of a tenth of the domain."""
    count, circle = 500, nivp.Torus((2 * np.pi,))
    for field in (lambda x: jnp.ones(1), lambda x: jnp.exp(-50 * (x - 3) ** 2)):
        sampler = nivp.ImportanceSampling(count)
        memory = sampler.init(circle, jnp.float64, KEY)
        for k in range(5):
            sample, memory = sampler.draw(memory, circle, field, jax.random.fold_in(KEY, k))
            x = np.sort(np.asarray(sample.points)[:, 0])
            gaps = np.diff(np.append(x, x[0] + 2 * np.pi))
            # Half of the points are spread evenly, with a stratum of one spacing for each.
            assert gaps.max() < 2 * 2 * 2 * np.pi / count
    square, counts = nivp.Torus((1.0, 1.0)), []
    sampler = nivp.ImportanceSampling(1024)
    memory = sampler.init(square, jnp.float64, KEY)
    for k in range(5):
        key = jax.random.fold_in(KEY, k)
        points = sampler.draw(memory, square, lambda x: jnp.ones(1), key)[0].points
        cells = np.floor(np.asarray(points) * 8).astype(int)
        counts += np.bincount(cells @ [8, 1], minlength=64).tolist()
    assert min(counts) > 8 and max(counts) < 24  # 16 to a cell


@pytest.mark.parametrize(
    "make",
    [
        lambda: nivp.Box((True,), (2.0,)),
        lambda: nivp.Box(("0",), (1.0,)),
        lambda: nivp.Interval(False, True),
        lambda: nivp.Interval("0", 1.0),
        lambda: nivp.Periodic(2.0, "1"),
        lambda: nivp.Torus(("1.0",)),
        lambda: nivp.Ball((True, False), 1.0),
    ],
)
def test_words_and_truth_values_are_no_lengths(make):
    with refused("must be a number or numbers"):
        make()
