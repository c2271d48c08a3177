"""The whole way: accuracy, reproducibility, files, restarts, failures."""

import dataclasses
import json
import warnings

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.references import FourierReference

from .helpers import KEY, PROBLEMS, TORUS, Fourier, Grid, refused, small_network, trap_in_box

PROBLEM = PROBLEMS["heat_torus"]
NETWORK = small_network(PROBLEM)
STAGES = (nivp.Adam(steps=400, num_points=100, reports=4), nivp.LastLayer(num_points=500))
METHOD = nivp.NeuralIVP(
    sampler=nivp.QuasiMonteCarlo(200), velocity_solver=nivp.LeastSquares(damping=1e-9), fit=STAGES
)
QUICK = (nivp.GaussNewton(tolerance=2e-4, sampler=nivp.ImportanceSampling(400)),)
TS = np.linspace(0.0, 0.3, 4)
X = np.linspace(0.1, 6.0, 9)[:, None]


@pytest.fixture(scope="module")
def solution():
    return nivp.solve(PROBLEM, NETWORK, METHOD, ts=TS, key=KEY)


def test_error_against_the_exact_solution(solution):
    error = solution.error()
    assert error.overall < 3 * solution.fits[0]["relative_l2_error"] + 1e-3
    wanted = jax.vmap(lambda x: PROBLEM.exact(0.3, x))(jnp.asarray(X))
    np.testing.assert_allclose(solution(0.3, X), wanted, atol=3 * error.maximum[-1] + 1e-12)
    assert "overall" in str(error)
    np.testing.assert_allclose(error.relative_l2[0], solution.fits[0]["relative_l2_error"])


def test_a_wave_at_rest_travels_with_the_default_method():
    """In one dimension the bump splits in two halves: d'Alembert, until the walls reflect."""
    problem = nivp.problems.Wave(1, width=0.15, speed=1.0)
    network = small_network(problem, width=12)
    method = dataclasses.replace(nivp.default_method(problem, network, rtol=1e-4), fit=QUICK)
    solution = nivp.solve(problem, network, method, ts=[0.0, 0.15], key=KEY)
    x = np.linspace(-1, 1, 201)[:, None]
    start = lambda x: np.exp(-(x**2) / (2 * 0.15**2)) / (2 * np.pi * 0.15**2) / 30  # noqa: E731
    wanted = (start(x - 0.15) + start(x + 0.15)) / 2
    error = np.linalg.norm(np.asarray(solution(0.15, x))[:, :1] - wanted) / np.linalg.norm(wanted)
    assert error < 4e-3


def heat_from(initial):
    """PROBLEM from another initial value."""
    return nivp.Problem(domain=PROBLEM.domain, initial=initial, rhs=PROBLEM.rhs)


def test_it_starts_from_values_on_a_grid_and_from_a_network():
    """The same heat equation from the samples of its initial value, and from a fit of them."""
    axis = 2 * np.pi * np.arange(64) / 64
    values = np.asarray(jax.vmap(PROBLEM.initial)(jnp.asarray(axis)[:, None]))
    gridded = nivp.solve(
        heat_from(nivp.GriddedData(PROBLEM.domain, values)), NETWORK, METHOD, ts=TS, key=KEY
    )
    wanted = jax.vmap(lambda x: PROBLEM.exact(0.3, x))(jnp.asarray(X))
    np.testing.assert_allclose(gridded(0.3, X), wanted, atol=1e-2)
    points = jax.random.uniform(KEY, (800, 1), maxval=2 * np.pi)
    samples = nivp.ScatteredData(PROBLEM.domain, points, jax.vmap(PROBLEM.initial)(points))
    fitted = nivp.fit(NETWORK, samples, PROBLEM.domain, (nivp.GaussNewton(steps=60),), key=KEY)
    done = dataclasses.replace(METHOD, fit=(nivp.GaussNewton(),))
    onward = nivp.solve(heat_from(fitted.network), fitted.network, done, ts=TS, key=KEY)
    assert onward.fits[0]["steps"] == 0  # the network is its own fit
    np.testing.assert_allclose(onward(0.3, X), wanted, atol=1e-3)


def test_a_fit_worse_than_the_tolerance_is_said():
    poor = dataclasses.replace(METHOD, fit=(nivp.Adam(steps=5, num_points=50),))
    with pytest.warns(nivp.FitWarning, match="more than 5 times the tolerance rtol"):
        rough = nivp.solve(PROBLEM, NETWORK, poor, ts=[0.0, 0.01], key=KEY, throw=False)
    assert "warning: it has a held-out relative L2 error" in rough.report()
    fine = dataclasses.replace(METHOD, integrator=nivp.AdaptiveStep(rtol=0.5))
    with warnings.catch_warnings(action="error"):
        assert "warning" not in nivp.solve(PROBLEM, NETWORK, fine, ts=[0.0, 0.01], key=KEY).report()


def test_zero_starts_exactly():
    problem = nivp.Problem(
        domain=PROBLEM.domain, initial=lambda x: 0 * x, rhs=lambda u, t, x: jnp.sin(x) - u(x)
    )
    moved = nivp.solve(problem, NETWORK, METHOD, ts=[0.0, 0.1], key=KEY)
    assert np.all(np.asarray(moved(0.0, X)) == 0)
    np.testing.assert_allclose(moved(0.1, X), (1 - np.exp(-0.1)) * np.sin(X), atol=1e-3)


def test_same_key_same_bits_and_another_key_others(solution):
    again = nivp.solve(PROBLEM, NETWORK, METHOD, ts=TS, key=KEY)
    assert np.array_equal(again.parameters, solution.parameters)
    for name, values in solution.record.items():
        assert np.array_equal(values, again.record[name]), name
    other = nivp.solve(PROBLEM, NETWORK, METHOD, ts=TS, key=jax.random.key(1))
    assert not np.array_equal(other.parameters, solution.parameters)


def test_file_evaluates_bit_for_bit(solution, tmp_path):
    path = tmp_path / "heat.nivp"
    solution.save(path)
    loaded = nivp.load(path)
    for t in (0.0, 0.0123, 0.3):
        assert np.array_equal(loaded(t, X), solution(t, X))
    assert np.array_equal(loaded.parameters, solution.parameters)
    assert loaded.report() == solution.report() and loaded.fits == solution.fits
    loaded.save(tmp_path / "again.nivp")
    assert (tmp_path / "again.nivp").read_bytes() == path.read_bytes()


def test_the_error_counts_time_from_the_start_of_the_solve():
    """The equation does not depend on t, so another start changes nothing but the clock."""
    late = nivp.solve(PROBLEM, NETWORK, METHOD, ts=TS + 0.7, key=KEY)
    assert late.error().overall < 3 * late.fits[0]["relative_l2_error"] + 1e-3


def test_references_take_the_start():
    x = np.linspace(-0.9, 0.9, 7)[:, None]
    wave = nivp.problems.Wave(1, width=0.1)
    now, later = (wave.reference(start)(start + 0.2, x) for start in (0.0, 0.5))
    np.testing.assert_allclose(now, later, atol=1e-12)
    trap = trap_in_box(1)
    initial = jax.vmap(trap.initial)(jnp.asarray(x))
    np.testing.assert_allclose(trap.reference(0.5)(0.5, x), initial, rtol=1e-8)


@pytest.mark.parametrize("change", [("diffusivity", 7.0), ("dimension", 2)])
def test_an_edited_header_is_refused(solution, tmp_path, change):
    path = tmp_path / "heat.nivp"
    solution.save(path)
    first, _, body = path.read_bytes().partition(b"\n")
    header = json.loads(first)
    header["problem"][change[0]] = change[1]
    path.write_bytes(json.dumps(header).encode() + b"\n" + body)
    with refused("altered"):
        nivp.load(path)
    path.write_bytes(b'{"format": "neural_ivp solution"}\n')
    with refused("version None"):
        nivp.load(path)


def test_a_problem_other_than_the_file_s_is_refused(solution, tmp_path):
    path = tmp_path / "heat.nivp"
    solution.save(path)
    assert np.array_equal(nivp.load(path, problem=PROBLEM)(0.1, X), solution(0.1, X))
    with refused(r"`problem` is .* but the file holds"):
        nivp.load(path, problem=nivp.problems.Heat(2))
    with refused("`problem` must be an AbstractProblem"):
        nivp.load(path, problem="Heat")


@pytest.mark.parametrize("damage", ["missing", "truncated", "foreign", "empty", "altered"])
def test_damaged_files_are_refused(solution, tmp_path, damage):
    path = tmp_path / "heat.nivp"
    if damage != "missing":
        solution.save(path)
        data = path.read_bytes()
        changed = bytearray(data)
        changed[-3] ^= 1
        damaged = {
            "truncated": data[:-10],
            "foreign": b"PK\x03\x04 not ours",
            "empty": b"",
            "altered": bytes(changed),
        }
        path.write_bytes(damaged[damage])
    with refused(r"heat\.nivp"):
        nivp.load(path)


def test_values_at_times_and_points(solution):
    assert solution(0.1, X[0]).shape == (1,)
    assert solution(0.1, X).shape == (9, 1)
    assert solution([0.1, 0.2], X).shape == (2, 9, 1)
    assert solution(0.1, X.reshape(3, 3, 1)).shape == (3, 3, 1)
    np.testing.assert_array_equal(solution([0.1, 0.2], X)[1], solution(0.2, X))
    np.testing.assert_allclose(jax.vmap(solution.field(0.2))(X), solution(0.2, X), rtol=1e-12)


@pytest.mark.parametrize(
    ("t", "x", "words"),
    [
        (0.31, X, "`t` = 0.31 lies outside the solved interval"),
        (-0.1, X, "`t` = -0.1"),
        (np.nan, X, "`t` = nan"),
        (0.1, np.ones((3, 2)), "`x` has shape"),
        (np.ones((2, 2)), X, "`t` must be a time"),
    ],
)
def test_bad_evaluation(solution, t, x, words):
    with refused(words):
        solution(t, x)


def linear_problem(rhs):
    return nivp.Problem(domain=TORUS, initial=lambda x: jnp.sin(x), rhs=rhs)


LINEAR = nivp.NeuralIVP(
    sampler=Grid(16),
    velocity_solver=nivp.LeastSquares(damping=1e-14),
    integrator=nivp.AdaptiveStep(rtol=1e-6, atol=1e-9),
    fit=(nivp.LastLayer(num_points=400, damping=1e-14),),
)


def test_dense_output_between_steps():
    problem = linear_problem(lambda u, t, x: -nivp.partial(u, 0)(x))
    coarse = nivp.solve(problem, Fourier(2), LINEAR, ts=[0.0, 3.0], key=KEY)
    assert len(coarse.record["t1"]) < 25
    times = np.linspace(0, 3, 50)
    wanted = np.sin(X[None, :, 0] - times[:, None])
    np.testing.assert_allclose(coarse(times, X)[..., 0], wanted, atol=2e-4)
    np.testing.assert_allclose(coarse(3.0, X)[:, 0], wanted[-1], atol=1e-5)


def test_steps_end_at_the_times_asked_for():
    problem = linear_problem(lambda u, t, x: nivp.laplacian(u)(x))
    ts = [0.0, 0.3, 0.70001, 0.70002, 1.0]
    near = np.nextafter(0.3, 1)  # a step between the two would divide by nothing
    for integrator in (
        nivp.AdaptiveStep(rtol=1e-3),
        nivp.AdaptiveStep(nivp.SDIRK4(), rtol=1e-3),
        nivp.ConstantStep(nivp.SDIRK2(), dt=0.25),
    ):
        method = nivp.NeuralIVP(
            sampler=Grid(16),
            velocity_solver=LINEAR.velocity_solver,
            integrator=integrator,
            fit=LINEAR.fit,
        )
        made = nivp.solve(problem, Fourier(2), method, ts=np.sort([*ts, near]), key=KEY)
        ends = made.record["t1"][made.record["accepted"]]
        assert set(ts[1:]) <= set(ends) and near not in ends
        wanted = np.exp(-made.ts)[:, None] * np.sin(X[:, 0])
        np.testing.assert_allclose(made(made.ts, X)[..., 0], wanted, atol=2e-3)


def test_restart_refits_at_its_times_and_keeps_the_solution():
    problem = linear_problem(lambda u, t, x: -nivp.partial(u, 0)(x))
    method = nivp.NeuralIVP(
        sampler=Grid(16),
        velocity_solver=LINEAR.velocity_solver,
        integrator=LINEAR.integrator,
        fit=LINEAR.fit,
        restart=nivp.PeriodicRestart(every=0.4),
    )
    solution = nivp.solve(problem, Fourier(2), method, ts=[0.0, 1.0], key=KEY)
    assert [fit["t"] for fit in solution.fits] == pytest.approx([0.0, 0.4, 0.8])
    assert max(fit["relative_l2_error"] for fit in solution.fits) < 1e-6
    wanted = np.sin(X[:, 0] - 1.0)
    np.testing.assert_allclose(solution(1.0, X)[:, 0], wanted, atol=1e-4)
    assert "refit at t = 0.4" in solution.report()


def nan_from_half(u, t, x):
    return jnp.where(t > 0.5, jnp.nan, 1.0) * u(x)


@pytest.mark.parametrize(
    ("rhs", "scheme", "result", "words"),
    [
        (nan_from_half, diffrax.Tsit5(), "nonfinite", "right-hand side is not finite"),
        (nan_from_half, nivp.SDIRK2(), "nonfinite", "right-hand side is not finite"),
        (
            lambda u, t, x: 10 * u(x) ** 3,
            diffrax.Tsit5(),
            "dt_min_reached|max_steps_reached|step_not_solved",
            "at t = 0.0",
        ),
    ],
    ids=["nan", "nan-implicit", "blow-up"],
)
def test_a_failed_solve_says_why_and_keeps_the_last_good_state(rhs, scheme, result, words):
    problem = linear_problem(rhs)
    integrator = nivp.AdaptiveStep(scheme, rtol=1e-4, atol=1e-7, max_steps=400)
    method = nivp.NeuralIVP(
        sampler=Grid(16),
        velocity_solver=LINEAR.velocity_solver,
        integrator=integrator,
        fit=LINEAR.fit,
    )
    with pytest.raises(nivp.SolveError, match=words) as caught:
        nivp.solve(problem, Fourier(2), method, ts=[0.0, 0.2, 1.0], key=KEY)
    solution = caught.value.solution
    assert solution.result in result.split("|") and solution.message == str(caught.value)
    last = solution.ts[-1]
    assert 0.0 < last < 0.51 and np.all(np.isfinite(solution(last, X)))
    assert np.all(np.isfinite(solution.parameters))


def test_too_few_steps_returned_not_raised():
    problem = linear_problem(lambda u, t, x: -nivp.partial(u, 0)(x))
    integrator = nivp.AdaptiveStep(rtol=1e-6, atol=1e-9, max_steps=2)
    method = nivp.NeuralIVP(
        sampler=Grid(16),
        velocity_solver=LINEAR.velocity_solver,
        integrator=integrator,
        fit=LINEAR.fit,
    )
    solution = nivp.solve(problem, Fourier(2), method, ts=[0.0, 3.0], key=KEY, throw=False)
    assert solution.result == "max_steps_reached" and "`max_steps`" in solution.message
    assert 0 < solution.ts[-1] < 3.0


@pytest.mark.slow
def test_fisher_kpp_agrees_with_a_spectral_reference():
    """The newcomer's own PDE, by the default method with a smaller network."""
    problem = PROBLEMS["fisher"]
    network = nivp.default_network(problem, key=KEY, width=15)
    method = dataclasses.replace(nivp.default_method(problem, network, rtol=1e-4), fit=QUICK)
    solution = nivp.solve(problem, network, method, ts=[0.0, 1.0], key=KEY)

    def initial(points):
        return np.exp(-10 * (points[:, 0] - np.pi) ** 2)

    spectral = FourierReference(
        (2 * np.pi,), (0.0,), initial, lambda k: -0.1 * k[0] ** 2, lambda u, _: u * (1 - u)
    )
    points = TORUS.low_discrepancy_points(2000)
    wanted = spectral.evaluate([1.0], points)[0]
    error = np.linalg.norm(solution(1.0, points)[:, 0] - wanted) / np.linalg.norm(wanted)
    assert error < 1e-3


OTHER = PROBLEMS["wave_1d"]
WRONG = nivp.Problem(domain=TORUS, initial=lambda x: jnp.sin(x), rhs=lambda u, t, x: u(x))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nivp.solve(PROBLEM, ts=[0.0], key=KEY), "`ts` must hold two times"),
        (lambda: nivp.solve(PROBLEM, ts=[0.0, 1.0, 1.0], key=KEY), "`ts` must increase, got 1.0"),
        (lambda: nivp.solve(PROBLEM, ts=[0.0, np.nan], key=KEY), "`ts` must be finite"),
        (lambda: nivp.solve(PROBLEM, ts=[0, 1], key=KEY, progress="on"), "`progress` must be True"),
        (lambda: nivp.solve(PROBLEM, ts=[0, 1], key=KEY, progress=1), "`progress` must be True"),
        (lambda: nivp.resume(None), "`path` must be the path of a file, got None"),
        (
            lambda: nivp.max_stable_step(diffrax.Euler(), np.array([np.nan])),
            "`eigenvalues` must be",
        ),
        (lambda: nivp.solve(PROBLEM, ts="soon", key=KEY), "`ts` must be times"),
        (
            lambda: nivp.solve(PROBLEM, small_network(OTHER), ts=TS, key=KEY),
            r"`network` has values of shape \(2,\)",
        ),
        (
            lambda: nivp.solve(PROBLEM, small_network(PROBLEMS["wave_2d"]), ts=TS, key=KEY),
            "`network` cannot take a point",
        ),
        (lambda: nivp.solve(PROBLEM, 3, ts=TS, key=KEY), "`network` must be"),
        (lambda: nivp.solve("Heat", ts=TS, key=KEY), "`problem` must be an AbstractProblem"),
        (lambda: nivp.solve(PROBLEM, ts=TS, key=0), "`key` must be one random key"),
        (
            lambda: nivp.problems.Heat(1, diffusivity="a"),
            "`diffusivity` must be one non-negative number",
        ),
        (
            lambda: nivp.Problem(domain=TORUS, initial=lambda x: [x, x], rhs=lambda u, t, x: x),
            "the value of `initial` is a list",
        ),
        (
            lambda: nivp.solve(
                nivp.Problem(
                    domain=OTHER.domain,
                    initial=lambda x: x,
                    rhs=lambda u, t, x: u(x),
                    boundary=nivp.Free(),
                ),
                nivp.FourierSeries(OTHER.domain, 1, modes=2, key=KEY),
                METHOD,
                ts=TS,
                key=KEY,
            ),
            "`network` is zero at 'x0.', whatever its parameters",
        ),
        (lambda: nivp.solve(PROBLEM, NETWORK, "best", ts=TS, key=KEY), "`method` must be"),
        (
            lambda: nivp.Problem(domain=TORUS, initial=lambda x: x[0], rhs=lambda u, t, x: u(x)),
            r"`initial` has shape \(\)",
        ),
        (
            lambda: nivp.Problem(
                domain=TORUS, initial=lambda x: x, rhs=lambda u, t, x: nivp.grad(u)(x)
            ),
            r"`rhs` has shape \(1, 1\), expected \(1,\)",
        ),
        (
            lambda: nivp.solve(
                linear_problem(lambda u, t, x: u(x)), Fourier(2), LINEAR, ts=TS, key=KEY
            ).error(),
            "no exact solution",
        ),
        (lambda: nivp.problems.Heat(1, diffusivity=-1.0), "`diffusivity` must be .* got -1.0"),
        (lambda: nivp.problems.Wave(1, speed=0.0), "`speed`"),
        (lambda: nivp.problems.Advection(2, velocity=(1.0,)), r"`velocity` has shape \(1,\)"),
    ],
)
def test_bad_input(make, words):
    with refused(words):
        make()


def test_an_initial_value_that_is_not_finite_is_refused():
    problem = nivp.Problem(
        domain=TORUS, initial=lambda x: jnp.where(x > 3, jnp.nan, x), rhs=lambda u, t, x: u(x)
    )
    with refused("not finite at"):
        nivp.solve(problem, Fourier(2), LINEAR, ts=TS, key=KEY)


def test_a_velocity_that_is_not_finite_is_not_blamed_on_the_problem():
    """Cholesky in float32 with a damping below its rounding unit cannot factor M."""
    problem = PROBLEMS["fisher"]
    network = small_network(problem, dtype="float32", width=20)
    method = nivp.NeuralIVP(
        sampler=nivp.Uniform(50), velocity_solver=nivp.RidgeCholesky(damping=1e-14), fit=STAGES
    )
    solution = nivp.solve(problem, network, method, ts=[0.0, 1.0], key=KEY, throw=False)
    assert solution.result == "step_not_solved" and "larger damping" in solution.message
    assert np.all(np.isfinite(solution.parameters))
