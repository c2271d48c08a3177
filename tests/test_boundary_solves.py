"""Solves with conditions at the boundary, constant starts, and their files."""

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.networks import flatten
from neural_ivp.problems import check_fingerprint, fingerprint
from neural_ivp.trials import trial_for

from .boundary_problems import LINE, problem_on
from .helpers import KEY, refused, small_network

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
