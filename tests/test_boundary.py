"""Conditions at the boundary: what they say, which hold by construction, and rows of the rest."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.boundary import resolve_boundary
from neural_ivp.solve._boundary import check_boundary
from neural_ivp.trials import face_residual, hard_neumann_faces, trial_for

from .boundary_problems import CHANNEL, LINE, SQUARE, moving, problem_on
from .helpers import KEY, refused, small_network

# Problems whose conditions all hold by construction.
HARD = {
    "constant": problem_on(SQUARE, nivp.Dirichlet(2.0)),
    "moving": problem_on(SQUARE, nivp.Dirichlet(moving)),
    "one face of each kind": problem_on(
        LINE, {"x0-": nivp.Neumann(0.0), "x0+": nivp.Dirichlet(3.0)}
    ),
    "walls": problem_on(SQUARE, nivp.Neumann(0.0)),
    "channel": problem_on(CHANNEL, {"x1-": nivp.Dirichlet(moving), "x1+": nivp.Dirichlet(0.5)}),
    "mixed square": problem_on(
        SQUARE,
        {
            "x0-": nivp.Neumann(0.0),
            "x0+": nivp.Neumann(0.0),
            "x1-": nivp.Dirichlet(1.0),
            "x1+": nivp.Dirichlet(-2.0),
        },
    ),
    "outflow": problem_on(LINE, {"x0-": nivp.Dirichlet(moving), "x0+": nivp.Free()}),
    "by component": problem_on(
        LINE,
        {"x0-": (nivp.Dirichlet(moving), nivp.Free()), "x0+": (nivp.Free(), nivp.Dirichlet(1.0))},
        initial=lambda x: jnp.stack([x[0], x[0] ** 2]),
    ),
    "values by component": problem_on(
        LINE, nivp.Dirichlet((1.0, -1.0)), initial=lambda x: jnp.stack([x[0], x[0] ** 2])
    ),
    "disc": problem_on(nivp.Ball((0.0, 1.0), 2.0), nivp.Dirichlet(moving)),
    "annulus": problem_on(
        nivp.Annulus((0.0, 0.0), 0.5, 1.0),
        {"inner": nivp.Dirichlet(moving), "outer": nivp.Dirichlet(-1.0)},
    ),
}


@pytest.mark.parametrize("name", HARD)
def test_hard_conditions_hold_to_rounding(name):
    """At any time, on random points of the boundary, for a network of random parameters."""
    problem = HARD[name]
    network = small_network(problem)
    trial = trial_for(problem, network)
    for face, conditions in problem.conditions.by_face.items():
        unit = jax.random.uniform(KEY, (20, problem.domain.dimension))
        points = problem.domain.face_points(face, unit)

        def at(t, x, face=face):
            u, normal = trial.field(network, t), problem.domain.normal(face, x)
            value, slope = jax.jvp(u, (x,), (normal,))
            size = 1 + jnp.max(jnp.abs(value)) + jnp.max(jnp.abs(slope))
            return problem.conditions.residual(face, value, slope, t, x) / size

        for t in (0.0, 0.7, 30.0):
            residuals = jax.vmap(at, in_axes=(None, 0))(jnp.asarray(t), points)
            np.testing.assert_allclose(residuals, 0, atol=1e-13)
        for component, condition in enumerate(conditions):
            assert trial.holds(face, component) or isinstance(condition, nivp.Free)


@pytest.mark.parametrize("name", ["moving", "by component", "disc", "channel"])
def test_the_rate_of_a_lift_is_taken_out_of_the_equation(name):
    problem = HARD[name]
    network, x, t, h = small_network(problem), problem.domain.from_unit(jnp.full(2, 0.4)), 0.3, 1e-6
    x = x[: problem.domain.dimension]
    trial = trial_for(problem, network)
    before, after = (trial.field(network, t + s)(x) for s in (-h, h))
    rate = problem.rhs(trial.field(network, t), jnp.asarray(t), x) - (after - before) / (2 * h)
    target = trial.target(problem, network, t)(x)
    np.testing.assert_allclose(target, rate, atol=1e-7)
    # The unknown at which u is a given field, and the field of an unknown.
    u = trial.field(network, t)
    np.testing.assert_allclose(
        trial.unknown_of(u, t)(x), trial.unknown(network)(x), rtol=1e-12, atol=1e-14
    )


def test_neumann_is_hard_only_where_an_embedding_gives_it():
    zero, varies = nivp.Neumann(0.0), nivp.Neumann(moving)
    assert hard_neumann_faces(problem_on(LINE, zero)) == ("x0+", "x0-")
    assert hard_neumann_faces(problem_on(LINE, {"x0-": zero, "x0+": varies})) == ("x0-",)
    assert hard_neumann_faces(problem_on(nivp.Ball((0.0,), 1.0), zero)) == ()
    # A lift that varies may have a slope at the wall.
    sides = {"x1-": nivp.Dirichlet(moving), "x1+": nivp.Dirichlet(0.0)}
    assert hard_neumann_faces(problem_on(SQUARE, {"x0-": zero, "x0+": zero, **sides})) == ()
    two = (zero, nivp.Dirichlet(0.0))
    pair = problem_on(LINE, two, initial=lambda x: jnp.stack([x[0], x[0]]))
    assert hard_neumann_faces(pair) == ()


@pytest.mark.parametrize(
    ("boundary", "words"),
    [
        (None, "`boundary` is missing: the domain has the faces x0-, x0\\+.*Dirichlet.*Free"),
        (True, "`boundary` at 'x0-' is True, not a condition"),
        ("neumann", "`boundary` at 'x0-' is 'neumann', not a condition"),
        ({"x0-": nivp.Free()}, "`boundary` has no condition at x0\\+"),
        ({"left": nivp.Free(), "x0+": nivp.Free()}, "names 'left', no face of the domain.*x0-"),
        ((nivp.Free(), nivp.Free()), "2 conditions at 'x0-' and the problem 1 component"),
        (nivp.Dirichlet((1.0, 2.0)), r"at 'x0[-+]' has 2 numbers and the problem 1"),
        (
            nivp.Dirichlet(lambda x: x),
            "residual of Dirichlet at .* cannot be evaluated.*\\(t, x\\)",
        ),
        (nivp.Dirichlet(lambda t, x: np.sin(t)), "cannot be evaluated.*jax.numpy"),
        (nivp.Dirichlet(lambda t, x: jnp.ones(3)), "has shape \\(3,\\), expected \\(1,\\)"),
        (nivp.Neumann(lambda t, x: 1j * t), "is complex.*two components"),
    ],
)
def test_boundaries_that_say_nothing_are_refused(boundary, words):
    with refused(words):
        problem_on(LINE, boundary)


BAD = [True, "zero", 1j, None, float("nan"), [[1.0]], [True], ["0", "1"], [], float]
BAD += [np.bool_(True), jnp.array(True), jnp.array(jnp.nan), jnp.array(1j), b"1"]


@pytest.mark.parametrize("value", BAD)
def test_values_that_are_no_numbers_are_refused(value):
    for make in (nivp.Dirichlet, nivp.Neumann, lambda v: nivp.Robin(v, 1.0)):
        with refused("must be"):
            make(value)


def test_a_torus_has_no_boundary():
    with refused("the domain has no boundary: leave it out"):
        problem_on(nivp.Torus((1.0,)), nivp.Dirichlet(0.0))
    assert resolve_boundary((), 1, 1, None).by_face == {}


def test_networks_that_contradict_a_condition_are_refused():
    problem = problem_on(LINE, nivp.Free())
    series = nivp.FourierSeries(LINE, 1, modes=3, key=KEY)
    with refused("is zero at 'x0-', whatever its parameters"):
        nivp.solve(problem, series, ts=[0.0, 1.0], key=KEY)
    even = nivp.SinusoidalMLP(LINE, 1, width=4, even_at=("x0-",), key=KEY)
    with refused("zero normal derivative at 'x0-'"):
        nivp.solve(problem, even, ts=[0.0, 1.0], key=KEY)
    with refused("no end of an interval"):
        nivp.SinusoidalMLP(nivp.Torus((1.0,)), 1, even_at=("x0-",), key=KEY)


def test_the_argument_of_old_is_refused():
    with pytest.raises(TypeError, match="zero_boundary"):
        problem_on(LINE, nivp.Free(), zero_boundary="neumann")


@pytest.mark.filterwarnings("ignore:the initial value does not satisfy")
def test_constants_that_disagree_at_a_corner_hold_on_each_face():
    """The lid of a cavity, and another wall: a harmonic angle takes the jumps."""
    values = dict(zip(SQUARE.faces, (0.0, 0.5, 0.0, 1.0), strict=True))
    faces = {face: nivp.Dirichlet(value) for face, value in values.items()}
    problem = problem_on(SQUARE, faces, initial=lambda x: x[1:])
    field = trial_for(problem, small_network(problem)).field(small_network(problem), 0.3)
    for face in SQUARE.faces:
        assert np.max(np.abs(face_residual(problem, field, face, 0.3)[1])) < 1e-12
    lift = trial_for(problem, small_network(problem)).field(lambda x: 0 * x[:1], 0.3)
    x = jax.random.uniform(KEY, (500, 2)) * 2
    size = np.max(np.abs(jax.vmap(nivp.laplacian(lift))(x)))
    assert np.isfinite(size) and size < 1


def test_constants_where_three_faces_meet_are_said_to_disagree():
    """A cube with a hot lid: the angles around its edges have no limit at its corners."""
    cube = nivp.Box((0.0,) * 3, (1.0,) * 3)
    faces = {face: nivp.Dirichlet(0.0) for face in cube.faces} | {"x2+": nivp.Dirichlet(1.0)}
    problem = problem_on(cube, faces, initial=lambda x: x[2:])
    lift = trial_for(problem, small_network(problem)).field(lambda x: 0 * x[:1], 0.0)
    x = jax.random.uniform(KEY, (200, 3))
    assert np.all(np.isfinite(jax.vmap(nivp.laplacian(lift))(x)))
    assert np.max(np.abs(jax.vmap(lift)(x))) <= 1
    with (
        pytest.warns(nivp.BoundaryWarning, match="does not satisfy the condition"),
        pytest.warns(nivp.BoundaryWarning, match="adjacent face differ where they meet"),
    ):
        check_boundary(problem, small_network(problem), np.array([0.0, 1.0]))


def test_one_number_for_two_components_is_refused():
    with refused(r"`value` of Dirichlet at 'x0[-+]' has 1 numbers and the problem 2 component"):
        problem = problem_on(LINE, nivp.Dirichlet([0.0]), initial=lambda x: jnp.zeros(2))
        nivp.default_network(problem, key=KEY)
    with refused("`a` and `b` are both 0"):
        nivp.Robin([0.0], [0.0])


def test_values_that_are_not_finite_are_refused_before_the_solve():
    late = nivp.Dirichlet(lambda t, x: jnp.sqrt(0.5 - t))
    problem = problem_on(LINE, {"x0-": nivp.Neumann(0.0), "x0+": late}, initial=lambda x: 0 * x)
    with refused(r"`boundary`: the condition at 'x0\+' is not finite at t = 1"):
        nivp.solve(problem, ts=[0.0, 0.4, 1.0], key=KEY)


def test_functions_that_disagree_at_a_corner_are_said():
    """No smooth function has these values, and the trial misses some."""
    lid = nivp.Dirichlet(lambda t, x: 1 + 0 * t)
    faces = {face: nivp.Dirichlet(0.0) for face in SQUARE.faces} | {"x1+": lid}
    problem = problem_on(SQUARE, faces, initial=lambda x: 0 * x[:1])
    method = nivp.NeuralIVP(
        sampler=nivp.QuasiMonteCarlo(20),
        velocity_solver=nivp.RidgeCholesky(),
        fit=(nivp.GaussNewton(steps=1),),
    )
    with (
        pytest.warns(nivp.BoundaryWarning, match="does not satisfy the condition"),
        pytest.warns(nivp.BoundaryWarning, match="adjacent face differ where they meet"),
    ):
        network = small_network(problem)
        nivp.solve(problem, network, method, ts=[0.0, 1.0], key=KEY, throw=False)


def test_a_robin_condition_that_imposes_nothing_is_refused():
    with refused("both 0, which imposes nothing: write `Free"):
        nivp.Robin(0.0, 0.0)
