"""Restart rules, refits, and what the report says of a march."""

import dataclasses
import itertools
import re

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.diagnostics import findings

from .helpers import KEY, PROBLEMS, TORUS, Fourier, Grid, refused, small_network

LEVEL = np.ones(20)


def steps(**changes):
    quiet = dict(held_out_residual=LEVEL, condition=LEVEL, effective_rank=LEVEL, iterations=LEVEL)
    return quiet | changes


GROWING = np.concatenate([np.full(10, 1.0), np.full(10, 8.0)])
SPIKE = np.concatenate([np.full(19, 1.0), [1e3]])


@pytest.mark.parametrize(
    ("rule", "name", "word"),
    [
        (nivp.RestartOnResidual(growth=5.0), "held_out_residual", "residual"),
        (nivp.RestartOnConditioning(growth=5.0), "condition", "condition"),
        (nivp.RestartOnIterations(growth=5.0), "iterations", "iterations"),
    ],
)
def test_a_rule_sees_its_own_number_grow_and_nothing_else(rule, name, word):
    assert rule.due(steps()) == ""
    assert word in rule.due(steps(**{name: GROWING}))
    assert rule.due(steps(**{name: SPIKE})) == ""  # one step is no trend
    others = {"held_out_residual", "condition", "iterations"} - {name}
    assert rule.due(steps(**dict.fromkeys(others, GROWING))) == ""
    assert rule.due({k: v[:8] for k, v in steps(**{name: GROWING}).items()}) == ""
    assert rule.next_time(1.0, 0.0) == np.inf
    either = nivp.AnyRestart((nivp.PeriodicRestart(every=0.5), rule))
    assert either.next_time(1.0, 0.0) == 1.5 and word in either.due(steps(**{name: GROWING}))


def test_a_rank_that_is_lost_counts_as_conditioning():
    rule = nivp.RestartOnConditioning(growth=3.0)
    assert rule.due(steps(effective_rank=1 / GROWING))
    unknown = np.full(20, np.nan)
    assert rule.due(steps(effective_rank=unknown)) == ""
    assert rule.due(steps(effective_rank=unknown, condition=GROWING))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nivp.RestartOnResidual(growth=1.0), "`growth` must be larger than 1"),
        (lambda: nivp.RestartOnIterations(min_steps=3), "`min_steps` must be an integer"),
        (lambda: nivp.AnyRestart(()), "`rules` must be one or more"),
        (lambda: nivp.Refit(keep=1.0), r"`keep` must lie in \[0, 1\)"),
        (lambda: nivp.Refit(stages=()), "`stages` must be a tuple of one or more"),
        (lambda: nivp.Refit(tolerance=0.0), "`tolerance`"),
        (lambda: nivp.ConstantStep(dfx.Euler(), dt=-1.0), "`dt`"),
        (lambda: nivp.AdaptiveStep(dfx.Euler()), "`solver` must have an error estimate"),
        (
            lambda: nivp.AdaptiveStep(nivp.SDIRK4(), error_norm="parameters"),
            "`error_norm` must be",
        ),
        (lambda: nivp.ExplicitRungeKutta(corrections=-1), "`corrections`"),
        (
            lambda: nivp.NeuralIVP(
                sampler=Grid(4), velocity_solver=nivp.RidgeCG(), conserve=("a", "a")
            ),
            "`conserve` names one invariant twice",
        ),
        (
            lambda: nivp.NeuralIVP(
                sampler=Grid(4), velocity_solver=nivp.RidgeCG(), conserve="mass"
            ),
            "`conserve` must be a tuple",
        ),
    ],
)
def test_bad_input(make, words):
    with refused(words):
        make()


def test_a_refit_starts_where_keep_says():
    network = small_network(PROBLEMS["advection_1d"])
    old, fresh = (nivp.networks.flatten(n)[0] for n in (network, network.reinitialised(KEY)))
    mixed = nivp.networks.flatten(nivp.Refit(keep=0.25).initial_network(network, KEY))[0]
    np.testing.assert_allclose(mixed, 0.25 * old + 0.75 * fresh)
    assert jnp.all(nivp.networks.flatten(nivp.Refit().initial_network(network, KEY))[0] == fresh)


class AfterThree(nivp.evolution.AbstractRestartRule):
    """Restart once three steps are taken."""

    def next_time(self, t, t0):
        return np.inf

    def due(self, steps):
        return "three steps are enough" if len(steps["t0"]) >= 3 else ""


def restarting(**changes):
    problem = nivp.problems.Advection(1, width=0.25)
    network = small_network(problem)
    method = nivp.NeuralIVP(
        sampler=nivp.ImportanceSampling(80),
        velocity_solver=nivp.RidgeCholesky(damping=1e-6),
        integrator=nivp.ConstantStep(dfx.Heun(), dt=0.02),
        fit=(nivp.GaussNewton(steps=20, sampler=nivp.ImportanceSampling(80)),),
        restart=AfterThree(),
    )
    method = dataclasses.replace(method, **changes)
    return nivp.solve(problem, network, method, ts=[0.0, 0.2], key=KEY)


@pytest.mark.filterwarnings("ignore::neural_ivp.FitWarning")
def test_a_march_restarts_when_the_rule_says_so():
    solution = restarting(refit=nivp.Refit(tolerance=10.0))
    lengths = [len(segment.ts) - 1 for segment in solution.segments]
    assert len(lengths) > 1 and lengths[:-1] == [3] * (len(lengths) - 1)
    assert len(solution.fits) == len(lengths)
    assert all(fit["reason"] == "three steps are enough" for fit in solution.fits[1:])
    assert "three steps are enough" in solution.report()
    ends = [(a.theta[-1], b.theta[0]) for a, b in itertools.pairwise(solution.segments)]
    assert all(np.any(before != after) for before, after in ends)


@pytest.mark.filterwarnings("ignore::neural_ivp.FitWarning")
def test_a_refit_that_is_not_good_enough_is_refused():
    solution = restarting(refit=nivp.Refit(tolerance=1e-12))
    assert all(fit["refused"] for fit in solution.fits[1:])
    for before, after in itertools.pairwise(solution.segments):
        assert np.all(before.theta[-1] == after.theta[0])
    assert "rejected: its error" in solution.report() and "0 restarts" not in solution.report()


BURGERS = nivp.Problem(
    domain=TORUS,
    initial=lambda x: 0.5 + jnp.sin(x),
    rhs=lambda u, t, x: 0.05 * nivp.laplacian(u)(x) - u(x) * nivp.partial(u, 0)(x),
    invariants={"mass": lambda u, x: u(x)[0]},
)


def mass(solution, t):
    """By a rule of its own: the mean over 3 001 equispaced points."""
    x = np.linspace(0, 2 * np.pi, 3_001, endpoint=False)[:, None]
    return 2 * np.pi * np.mean(np.asarray(solution(t, x)))


@pytest.mark.filterwarnings("ignore::neural_ivp.FitWarning")
@pytest.mark.parametrize(
    "integrator", [pytest.param("explicit", marks=pytest.mark.slow), "implicit"]
)
def test_projection_conserves_the_mass_of_a_steepening_wave(integrator):
    network = small_network(BURGERS, width=8)
    solver = dfx.Tsit5() if integrator == "explicit" else nivp.SDIRK2()
    method = nivp.NeuralIVP(
        sampler=nivp.ImportanceSampling(150),
        velocity_solver=nivp.RidgeCholesky(damping=1e-8),
        integrator=nivp.AdaptiveStep(solver, rtol=1e-3, atol=1e-4),
        fit=(nivp.GaussNewton(steps=50, sampler=nivp.ImportanceSampling(150)),),
    )
    drifts = {}
    for names in ((), ("mass",)):
        chosen = dataclasses.replace(method, conserve=names)
        solution = nivp.solve(BURGERS, network, chosen, ts=[0.0, 0.5], key=KEY)
        drifts[names] = abs(mass(solution, 0.5) - np.pi)  # of 0.5 + sin(x)
        last = solution.record["invariants"][solution.record["accepted"]][-1, 0]
        assert abs(last - mass(solution, 0.5)) < 1e-10
        assert re.search(r"mass: 3\.1\d*, up to \S+ from the 3\.141592654 at", solution.report())
    assert drifts["mass",] < 1e-10 < 1e-7 < drifts[()]


def test_an_unknown_invariant_is_refused():
    method = nivp.NeuralIVP(
        sampler=nivp.Uniform(50), velocity_solver=nivp.RidgeCholesky(), conserve=("mas",)
    )
    with refused(r"`conserve` names 'mas'.* Did you mean 'mass'\?"):
        nivp.solve(BURGERS, small_network(BURGERS), method, ts=[0.0, 1.0], key=KEY)


def test_a_density_must_return_one_number():
    with refused("the density 'mass' of `invariants`"):
        nivp.Problem(
            domain=TORUS,
            initial=lambda x: jnp.sin(x),
            rhs=lambda u, t, x: -u(x),
            invariants={"mass": lambda u, x: u(x)},
        )


def test_the_energy_of_waves_is_that_of_the_series():
    """(v^2 + s^2 |grad u|^2) / 2 of one standing wave on a torus, by hand."""
    from neural_ivp.evolution import Invariants

    problem = nivp.problems.Wave(domain=nivp.Torus((2 * np.pi,)), speed=0.5)
    field = lambda x: jnp.stack([2 * jnp.sin(3 * x[0]), jnp.cos(x[0])])  # noqa: E731
    energy = Invariants.of(problem, jnp.float64)(field)[0]
    np.testing.assert_allclose(energy, (np.pi + 0.25 * 36 * np.pi) / 2, rtol=1e-12)


def test_invariants_go_by_their_own_names():
    """A dict that goes through a compiled function comes back sorted."""
    from neural_ivp.evolution import Invariants

    densities = {"square": lambda u, x: u(x)[0] ** 2, "mass": lambda u, x: u(x)[0]}
    problem = nivp.Problem(
        domain=TORUS,
        initial=lambda x: 1 + jnp.sin(x),
        rhs=lambda u, t, x: 0 * x,
        invariants=densities,
    )
    found = jax.jit(lambda: Invariants.of(problem, jnp.float64)(problem.initial))()
    named = dict(zip(problem.invariants, np.asarray(found), strict=True))
    np.testing.assert_allclose([named["mass"], named["square"]], [2 * np.pi, 3 * np.pi])
    chosen = nivp.NeuralIVP(sampler=Grid(8), velocity_solver=nivp.LeastSquares(damping=1e-16))
    state = nivp.init(problem, Fourier(1), chosen, 0.0, 1.0, KEY)
    named = dict(zip(problem.invariants, np.asarray(state.invariants), strict=True))
    np.testing.assert_allclose([named["mass"], named["square"]], [2 * np.pi, 3 * np.pi])


def test_quadrature_is_exact_where_it_should_be():
    from neural_ivp.evolution._invariants import quadrature

    points, weights = quadrature(nivp.Box((-1.0, 0.0), (1.0, 3.0)))
    np.testing.assert_allclose(weights.sum(), 6.0)
    np.testing.assert_allclose(weights @ (points[:, 0] ** 4 * points[:, 1] ** 3), 2 / 5 * 81 / 4)


def report_of(**changes):
    """The report of a march whose record was changed."""
    problem = PROBLEMS["advection_1d"]
    network = small_network(problem)
    theta, _ = nivp.networks.flatten(network)
    n = 20
    record = {name: np.zeros(n) for name in nivp.evolution.StepRecord.__annotations__}
    record |= {"accepted": np.ones(n, bool), "solved": np.ones(n, bool)}
    record |= {"t1": np.ones(n), "num_linear_solves": np.full(n, 7), "invariants": np.zeros((n, 0))}
    record |= {"rhs_norm": np.ones(n)}
    record |= {"residual_peak": np.zeros((n, 1)), "stiffness": np.full(n, np.nan), **changes}
    from neural_ivp.evolution import Segment

    thetas = changes.get("theta", np.stack([np.asarray(theta)] * 2))
    segment = Segment(np.arange(len(thetas)), thetas, thetas[1:], thetas[1:])
    fits = [{"t": 0.0, "relative_l2_error": 1e-5, "steps": 3}]
    return nivp.Solution(problem, network, np.array([0.0, 1.0]), [segment], record, "x", "", fits)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, None),
        ({"stiffness": np.full(20, 3.0)}, "stiff: step size times the fastest rate is 3.0"),
        ({"accepted": np.arange(20) < 13}, "rejected steps: 35% of the attempts"),
        ({"iterations": np.linspace(10, 90, 20)}, "linear iterations in a step grew"),
        ({"num_unconverged": np.full(20, 2)}, "linear solves: 29% ended short"),
        ({"projection_residual": np.full(20, 0.2)}, "cannot follow 20% of"),
        ({"held_out_residual": np.logspace(-4, -2, 20)}, "on held-out points it grew"),
        (
            {
                "held_out_residual": np.logspace(-5, -3, 20),
                "projection_residual": np.logspace(-5, -3, 20),
                "rhs_norm": np.logspace(0, -2, 20),
            },
            None,
        ),
        ({"held_out_residual": np.full(20, 0.02)}, "points: the residual is 2.0e-02"),
        ({"theta": np.stack([(-1.0) ** np.arange(20)] * 3, axis=1)}, "oscillation"),
    ],
)
def test_the_report_names_the_signs_of_trouble(changes, words):
    solution = report_of(**changes)
    found = findings(solution.record, [segment.theta for segment in solution.segments])
    assert (found == []) if words is None else any(words in sentence for sentence in found)


def test_no_implicit_scheme_is_advised_where_there_is_none():
    changes = {"theta": np.stack([(-1.0) ** np.arange(20)] * 3, axis=1)}
    solution = report_of(stiffness=np.full(20, 1e3), **changes)
    parts = solution.record, [segment.theta for segment in solution.segments]
    advice = {k: " ".join(findings(*parts, explicit_only=k)) for k in (False, True)}
    assert "SDIRK4" in advice[False] and "implicit" in advice[False]
    assert "oscillation" in advice[True] and "stiff" in advice[True]
    assert "SDIRK4" not in advice[True] and "implicit" not in advice[True]


def test_a_large_residual_is_named_in_a_short_march_too():
    solution = report_of()
    record = {name: values[:3] for name, values in solution.record.items()}
    assert findings(record, []) == []
    record["projection_residual"] = np.array([1e-4, 0.36, 1e-3])
    (sentence,) = findings(record, [])
    assert "could not follow 36% of L[u]" in sentence


def test_an_invariant_that_moved_is_named():
    """By more than ten tolerances of its size: 1e-3 of the 2 that the mass of 1 + cos is not."""
    problem = nivp.Problem(
        domain=nivp.Torus((2.0,)),
        initial=lambda x: 1 + jnp.cos(jnp.pi * x),
        rhs=lambda u, t, x: nivp.laplacian(u)(x),
        invariants={"mass": lambda u, x: u(x)[0]},
    )
    solution = report_of()
    for moved, named in ((1.9e-2, False), (2.1e-2, True)):
        record = solution.record | {"invariants": np.full((20, 1), 2.0 + moved)}
        fits = [solution.fits[0] | {"tolerance": 1e-3}]
        changed = dataclasses.replace(solution, problem=problem, record=record, fits=fits)
        assert ("mass: the equation conserves it" in changed.report()) is named
