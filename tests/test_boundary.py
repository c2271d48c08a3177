"""Conditions at the boundary: what they say, which hold by construction, and rows of the rest."""

import diffrax as dfx
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.boundary import resolve_boundary
from neural_ivp.linear import linearise, with_boundary_rows
from neural_ivp.linear.linearisation import StackedLinearisation
from neural_ivp.networks import flatten
from neural_ivp.problems import check_fingerprint, fingerprint
from neural_ivp.solve._boundary import check_boundary
from neural_ivp.trials import (
    UnknownNorm,
    draw_boundary_rows,
    face_residual,
    hard_neumann_faces,
    trial_for,
)
from neural_ivp.trials._boundary_rows import _ramp

from .helpers import KEY, refused, small_network

LINE = nivp.Box((0.0,), (1.0,))
SQUARE = nivp.Box((0.0, -1.0), (1.0, 2.0))
CHANNEL = nivp.ProductDomain((nivp.Periodic(2.0), nivp.Interval(0.0, 1.0)))


def heat(u, t, x):
    return nivp.laplacian(u)(x)


def problem_on(domain, boundary, initial=lambda x: jnp.cos(x[:1]), rhs=heat, **more):
    return nivp.Problem(domain=domain, boundary=boundary, initial=initial, rhs=rhs, **more)


def moving(t, x):
    return jnp.sin(t + x[0]) * jnp.exp(x[-1])


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


# A Robin condition, a Neumann one that moves, one component without any, and a nonlinear one.
class Radiation(nivp.boundary.AbstractCondition):
    def residual(self, value, slope, t, x):
        return slope + value**4 - t


WEAK = {
    "line": problem_on(LINE, {"x0-": nivp.Neumann(moving), "x0+": Radiation()}),
    "square": problem_on(
        SQUARE,
        {
            "x0-": nivp.Dirichlet(0.0),
            "x0+": (nivp.Robin(2.0, 0.5, moving), nivp.Free()),
            "x1-": nivp.Neumann(1.0),
            "x1+": nivp.Free(),
        }
        | {"x0-": (nivp.Dirichlet(0.0), nivp.Robin(1.0, 1.0))},
        initial=lambda x: jnp.stack([x[0], x[1]]),
    ),
    "disc": problem_on(nivp.Ball((0.0, 0.0), 1.0), nivp.Robin(1.0, 1.0)),
}


def rows_of(problem, t0=0.0, n=30):
    network = small_network(problem)
    trial = trial_for(problem, network)
    start, ramp = jnp.asarray(t0), jnp.asarray(0.1)
    return network, trial, draw_boundary_rows(problem, trial, n, start, ramp, KEY)


@pytest.mark.parametrize("name", WEAK)
def test_rows_are_derivatives_of_the_residuals(name):
    network, trial, boundary = rows_of(WEAK[name])
    theta, rebuild = flatten(network)
    v, t, h = jax.random.normal(KEY, theta.shape), jnp.asarray(0.4), 1e-6
    rows = boundary.rows(rebuild, theta, t)
    values = [boundary.values(rebuild(theta + s * v), t) for s in (-h, h)]
    # The scale of a row is a constant of the least squares, and that of a linear condition is one.
    if name != "line":
        np.testing.assert_allclose(rows @ v, (values[1] - values[0]) / (2 * h), atol=1e-6)
    assert rows.shape == (*values[0].shape, theta.size)
    np.testing.assert_allclose(jnp.sum(boundary.weights), len(boundary.faces))
    # Points lie on their faces, and rows of components without a condition are zero.
    for face, points, weak in zip(boundary.faces, boundary.points, boundary.weak, strict=True):
        distances = jax.vmap(lambda x, f=face: WEAK[name].domain.distance(f, x))(points)
        np.testing.assert_allclose(distances, 0, atol=1e-12)
        assert any(weak)
        for k, imposed in enumerate(weak):
            assert imposed != (
                trial.holds(face, k) or not WEAK[name].conditions.at(face, k).imposes
            )


def test_targets_follow_the_condition_and_pull_back():
    network, _, boundary = rows_of(WEAK["square"])
    t, h, rate = 0.4, 1e-5, jnp.asarray(7.0)
    before, now, after = (boundary.values(network, t + s) for s in (-h, 0.0, h))
    target = boundary.target(network, t, rate)
    np.testing.assert_allclose(target, -(after - before) / (2 * h) - rate * now, atol=1e-8)


def test_a_contradiction_is_removed_over_the_ramp():
    """At the start the residual of the initial value counts as none, after the ramp it does."""
    problem = problem_on(LINE, {"x0-": nivp.Neumann(0.0), "x0+": nivp.Robin(2.0, 1.0)})
    _, trial, boundary = rows_of(problem)
    exact = nivp.SinusoidalMLP(LINE, 1, width=4, even_at=("x0-",), key=KEY)
    constant = eqx.tree_at(
        lambda n: n.head, exact, jax.tree.map(jnp.zeros_like, exact.head)
    )  # u = 0, and the initial value cos x: B differs by that of cos x
    plain = float(boundary.residual(constant, 0.0))
    assert plain == pytest.approx(0.0, abs=1e-14)
    scaled = boundary.values(constant, 1.0)
    np.testing.assert_allclose(scaled, 0, atol=1e-14)
    at_start = float(boundary.values(constant, 0.0)[0, 0])
    b = 2 * np.cos(1.0) - np.sin(1.0)
    unit = 2 + 1 / 0.1  # |dB/du| + |dB/du_n| / length
    assert at_start == pytest.approx(-b / unit)
    assert trial.holds("x0-", 0)
    s = np.linspace(0, 1, 20_001)
    ramp = np.asarray(_ramp(jnp.asarray(s)))
    assert ramp[0] == 1 and ramp[-1] == 0
    np.testing.assert_allclose([np.trapezoid(ramp, s), np.trapezoid(s * ramp, s)], 0, atol=1e-6)


@pytest.mark.parametrize("name", WEAK)
def test_stacked_rows_equal_a_dense_jacobian(name):
    problem = WEAK[name]
    network, trial, boundary = rows_of(problem)
    theta, _ = flatten(network)
    points = nivp.WeightedPoints.equal(jnp.asarray(problem.domain.low_discrepancy_points(25)))
    norm = UnknownNorm(problem.norm, trial)
    upper = linearise(network, theta, points, norm)
    stacked = with_boundary_rows(upper, boundary, network, theta, 0.3)
    assert isinstance(stacked, StackedLinearisation)
    J = np.asarray(stacked.jacobian())
    flat = J.reshape(-1, theta.size)
    v = jax.random.normal(KEY, theta.shape)
    w = jax.random.normal(KEY, stacked.values.shape)
    np.testing.assert_allclose(stacked.push(v), J @ v, atol=1e-12)
    np.testing.assert_allclose(stacked.pull(w), np.tensordot(w, J, 2), atol=1e-11)
    upper_half = np.triu(flat @ flat.T)
    np.testing.assert_allclose(stacked.kernel_matrix().upper, upper_half, atol=1e-10)
    np.testing.assert_allclose(stacked.kernel_diagonal(), np.diag(upper_half), atol=1e-10)
    columns = jnp.asarray([0, len(flat) - 1])
    np.testing.assert_allclose(stacked.kernel(columns), (flat @ flat.T)[:, columns], atol=1e-10)
    chosen = jnp.asarray([3, len(J) - 1, 24, 25])
    np.testing.assert_allclose(stacked.at(chosen).jacobian(), J[chosen], atol=1e-12)
    subset = jnp.asarray([5, 0, 17])
    np.testing.assert_allclose(stacked.restrict(subset).jacobian(), J[..., subset], atol=1e-12)
    assert stacked.astype(jnp.float32).push(v.astype(jnp.float32)).dtype == jnp.float32


MU = 1.0768739863118037  # the first root of mu tan mu = 2


def slab(**more):
    return problem_on(
        LINE,
        {"x0-": nivp.Neumann(0.0), "x0+": nivp.Robin(2.0, 1.0)},
        initial=lambda x: jnp.cos(MU * x),
        reference=lambda t, x: np.exp(-(MU**2) * t) * np.cos(MU * x),
        **more,
    )


@pytest.fixture(scope="module")
def cooled():
    """A mode of the slab with a Robin condition, by implicit steps."""
    problem = slab(name="Slab", component_names="T")
    method = nivp.NeuralIVP(
        sampler=nivp.QuasiMonteCarlo(60),
        velocity_solver=nivp.RidgeDual(damping=1e-10),
        integrator=nivp.AdaptiveStep(nivp.SDIRK2(), rtol=1e-4, atol=1e-6),
        fit=(nivp.GaussNewton(steps=200, tolerance=1e-5),),
    )
    return nivp.solve(problem, small_network(problem), method, ts=[0.0, 0.3, 0.6], key=KEY)


def test_a_robin_condition_is_followed(cooled):
    assert cooled.error().overall < 1e-3
    assert "residual of the conditions at the boundary" in cooled.report()
    assert "Slab" in cooled.report()
    assert not [line for line in cooled.report().splitlines() if "finding: boundary" in line]
    record = cooled.record
    weak = record["boundary_residual"][record["accepted"]]
    assert np.all(weak < 10 * 1e-4)
    u = cooled.field(0.6)
    value, slope = jax.jvp(u, (jnp.ones(1),), (jnp.ones(1),))
    assert float(weak[-1]) == pytest.approx(abs(float((2 * value + slope)[0])), rel=1e-6)


def test_a_solution_with_conditions_is_saved_and_loaded(cooled, tmp_path):
    path = tmp_path / "slab.nivp"
    cooled.save(path)
    again = nivp.load(path, problem=slab())
    x = jnp.linspace(0, 1, 5)[:, None]
    assert np.array_equal(again(0.45, x), cooled(0.45, x))
    warmer = problem_on(
        LINE,
        {"x0-": nivp.Neumann(0.0), "x0+": nivp.Robin(3.0, 1.0)},
        initial=lambda x: jnp.cos(MU * x),
    )
    with refused("another `boundary` than the one that was solved"):
        nivp.load(path, problem=warmer)


class Inflow(nivp.boundary.AbstractCondition):
    """u = sin(x - t), as a row and not by the trial function."""

    def residual(self, value, slope, t, x):
        return value - jnp.sin(x - t)


def test_explicit_steps_follow_rows_too():
    problem = problem_on(
        LINE,
        {"x0-": Inflow(), "x0+": nivp.Free()},
        initial=jnp.sin,
        rhs=lambda u, t, x: -nivp.partial(u, 0)(x),
        reference=lambda t, x: np.sin(x - t),
    )
    method = nivp.NeuralIVP(
        sampler=nivp.QuasiMonteCarlo(60),
        velocity_solver=nivp.RidgeCholesky(damping=1e-8),
        integrator=nivp.AdaptiveStep(rtol=1e-4, atol=1e-6),
        fit=(nivp.GaussNewton(steps=200, tolerance=1e-5),),
    )
    solution = nivp.solve(problem, small_network(problem), method, ts=[0.0, 0.5], key=KEY)
    assert solution.error().overall < 1e-3
    record = solution.record
    assert np.all(record["boundary_residual"][record["accepted"]] < 1e-3)


def test_a_contradiction_is_said_and_the_solve_goes_on():
    problem = problem_on(LINE, nivp.Dirichlet(1.0), initial=lambda x: 0 * x)
    method = nivp.NeuralIVP(
        sampler=nivp.QuasiMonteCarlo(30),
        velocity_solver=nivp.RidgeCholesky(damping=1e-4),
        integrator=nivp.ConstantStep(nivp.BackwardEuler(), dt=0.01),
        fit=(nivp.GaussNewton(steps=1),),
    )
    with pytest.warns(nivp.BoundaryWarning, match=r"at x0\+, by 1 in component u at x = \[1.0\]"):
        solution = nivp.solve(
            problem, small_network(problem), method, ts=[0.0, 0.01], key=KEY, throw=False
        )
    # The trial function is 1 at both ends, and no network makes it 0 inside.
    assert solution.result in ("successful", "poor_fit", "step_not_solved")


SOURCE = problem_on(
    LINE,
    nivp.Dirichlet(0.0),
    initial=lambda x: 0 * x,
    rhs=lambda u, t, x: nivp.laplacian(u)(x) + 1,
)


@pytest.mark.parametrize(
    ("problem", "constant"),
    [
        (SOURCE, (0.0,)),
        (problem_on(LINE, nivp.Neumann(0.0), initial=lambda x: 0 * x + 3), (3.0,)),
        (problem_on(LINE, nivp.Dirichlet(3.0), initial=lambda x: 0 * x + 3), (0.0,)),
        (
            problem_on(
                nivp.Torus((1.0,)), None, initial=lambda x: jnp.stack([0 * x[0], 0 * x[0] + 2])
            ),
            (0.0, 2.0),
        ),
    ],
)
def test_a_constant_start_is_exact_and_has_live_tangents(problem, constant):
    network = small_network(problem)
    assert isinstance(network, nivp.ConstantStart) and network.constant == constant
    trial, x = trial_for(problem, network), jnp.linspace(0, 1, 40)[:, None]
    u = jax.vmap(trial.field(network, 0.0))(x)
    np.testing.assert_allclose(u, jax.vmap(problem.initial)(x), atol=1e-15)
    result = nivp.fit(
        network,
        problem.initial,
        problem.domain,
        (nivp.GaussNewton(),),
        trial=trial,
        key=KEY,
    )
    assert result.steps == 0
    theta, rebuild = flatten(result.network)

    def values(theta):
        return jnp.ravel(jax.vmap(trial.field(rebuild(theta), 0.0))(x))

    rank = np.linalg.matrix_rank(jax.jacrev(values)(theta), rtol=1e-6)
    assert rank > 12  # of a network fitted to a constant: that of its last layer, 7 at most


def test_a_constant_start_survives_a_file(tmp_path):
    method = nivp.NeuralIVP(
        sampler=nivp.QuasiMonteCarlo(40),
        velocity_solver=nivp.RidgeCholesky(damping=1e-6),
        integrator=nivp.ConstantStep(dfx.Euler(), dt=0.01),
    )
    solution = nivp.solve(SOURCE, small_network(SOURCE), method, ts=[0.0, 0.01], key=KEY)
    solution.save(tmp_path / "source.nivp")
    again = nivp.load(tmp_path / "source.nivp", problem=SOURCE)
    x = jnp.linspace(0, 1, 9)[:, None]
    assert np.array_equal(again(0.01, x), solution(0.01, x))
    assert float(jnp.mean(solution(0.01, x))) == pytest.approx(0.01, rel=0.3)


def test_a_poor_fit_ends_the_solve():
    problem = problem_on(LINE, nivp.Dirichlet(0.0), initial=lambda x: jnp.sin(9 * jnp.pi * x))
    method = nivp.NeuralIVP(
        sampler=nivp.QuasiMonteCarlo(20),
        velocity_solver=nivp.RidgeCholesky(),
        fit=(nivp.GaussNewton(steps=1),),
    )
    network = small_network(problem)
    with pytest.warns(nivp.FitWarning), pytest.raises(nivp.SolveError, match="misses") as caught:
        nivp.solve(problem, network, method, ts=[0.0, 1.0], key=KEY)
    solution = caught.value.solution
    assert solution.result == "poor_fit" and solution.ts.tolist() == [0.0]
    assert np.isfinite(solution(0.0, jnp.array([0.5]))).all()
    assert "poor_fit" in solution.report()


def test_problems_own_their_reference_and_names():
    problem = slab(name="Slab", component_names="T")
    assert (problem.name, problem.component_names) == ("Slab", ("T",))
    assert nivp.problems.Heat(1).reference(2.0) is not None
    x = np.linspace(-3, 3, 7)[:, None]
    early, late = nivp.problems.Heat(1).reference(0.0), nivp.problems.Heat(1).reference(2.0)
    np.testing.assert_allclose(late(2.5, x), early(0.5, x), rtol=1e-12)
    assert problem_on(LINE, nivp.Free()).reference(0.0) is None
    for words in ("ab", ("a", "b"), (1,)):
        if words != "ab":
            with refused("`component_names` must be 1 word"):
                slab(component_names=words)
    with refused("`reference` must be a function"):
        problem_on(LINE, nivp.Free(), reference=3.0)


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


def test_a_file_knows_the_equation_of_a_start_at_rest():
    def slab(kappa):
        return problem_on(
            LINE,
            nivp.Dirichlet(0.0),
            initial=lambda x: 0 * x,
            rhs=lambda u, t, x: kappa * nivp.laplacian(u)(x) + jnp.sin(x),
        )

    check_fingerprint(slab(1.0), fingerprint(slab(1.0)))
    with refused("`problem` has another `rhs`"):
        check_fingerprint(slab(50.0), fingerprint(slab(1.0)))


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


def test_a_file_knows_the_boundary_at_other_times_and_the_shape():
    one, other = (
        problem_on(LINE, nivp.Dirichlet(lambda t, x, k=k: k * t), initial=lambda x: 0 * x)
        for k in (1, 2)
    )
    with refused("another `boundary`"):
        check_fingerprint(one, fingerprint(other))
    thick, thin = (
        problem_on(nivp.Annulus((0.0, 0.0), a, 1.0), nivp.Dirichlet(0.0), lambda x: 0 * x[:1])
        for a in (0.5, 0.6)
    )
    with refused("another `domain`"):
        check_fingerprint(thick, fingerprint(thin))


def test_a_robin_condition_that_imposes_nothing_is_refused():
    with refused("both 0, which imposes nothing: write `Free"):
        nivp.Robin(0.0, 0.0)
