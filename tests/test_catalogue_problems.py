"""Each problem of the catalogue agrees with its reference: initial value and equation.

A reference shares no code with the problem. Where it is a series, the field in the equation is the
trigonometric interpolant of its values on a grid, differentiated by JAX.
"""

import dataclasses
import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

import neural_ivp as nivp
from neural_ivp.config import load_config

from .helpers import refused

CONFIGS = Path(__file__).parents[1] / "configs"


@dataclasses.dataclass
class Case:
    """`grid` values along each axis represent the solution at `time`; `delta` is the step of the
    central difference in time; `start` is the tolerance for the initial value."""

    problem: nivp.problems.AbstractProblem
    time: float
    grid: int = 0
    delta: float = 1e-4
    start: float = 1e-8


P = nivp.problems
CASES = {
    "allen_cahn_1d": Case(P.AllenCahn(1), 0.04, 256),
    "allen_cahn_2d": Case(P.AllenCahn(2), 0.04, 96),
    "burgers_1d": Case(P.Burgers(1), 0.04, 1024),
    "burgers_2d": Case(P.Burgers(2), 0.04, 96),
    "heat_2d_periodic": Case(P.HeatPeriodic(), 0.04, 96),
    "burgers_sine": Case(P.BurgersSine(), 0.01, 64),
    "burgers_sine__sharp": Case(P.BurgersSine(viscosity=0.01 / np.pi), 0.3, 512),
    "kdv_1d": Case(P.KortewegDeVries(), 0.04),
    "schroedinger_1d": Case(P.Schroedinger(), 0.06),
    # The slope of the initial value jumps at the seam by 0.05, and the series of a kink converges
    # slowly. Its waves are fast, and need a small step of the difference in time.
    "nls_2sech": Case(P.NonlinearSchroedinger(), 0.015, 2048, delta=2e-7, start=1e-6),
    # Before the first reflection, and after it.
    "maxwell_pulse": Case(P.Maxwell(), 0.4),
    "maxwell_reflected": Case(P.Maxwell(), 1.45),
    "cahn_hilliard": Case(P.CahnHilliard(), 0.01, 256),
    "reaction_diffusion": Case(P.ReactionDiffusion(), 0.01, 256),
    "gray_scott_1d": Case(P.GrayScott(), 1.0, 256),
    "vlasov_1d1v": Case(P.Vlasov(), 0.03, 96),
    "klein_gordon_1d": Case(P.KleinGordon(), 1.3),
    "klein_gordon_2d": Case(P.KleinGordon(2, speed=0.8, domain=nivp.Torus((3.0, 5.0))), 0.7, 0),
    "sine_gordon_1d": Case(P.SineGordon(), 3.3, delta=1e-3),
    "telegraph_1d": Case(P.Telegraph(), 0.7),
    "telegraph_critical": Case(P.Telegraph(damping=np.pi), 0.7),
    "telegraph_over": Case(P.Telegraph(damping=9.0, speed=1.5, length=2.0), 0.7),
    "beam": Case(P.Beam(), 0.2),
    "wave_string": Case(P.WaveString(), 0.6),
    # After the reflection: the energy is summed on a grid, on which u_t / c jumps in the middle.
    "two_speeds": Case(P.TwoSpeeds(), 0.45),
}
WITHOUT_CONFIG = ("maxwell_reflected", "klein_gordon_2d", "telegraph_critical", "telegraph_over")


def points_of(problem, count):
    unit = np.random.default_rng(0).uniform(0.02, 0.98, (count, problem.domain.dimension))
    low, high = np.asarray(problem.domain.lower), np.asarray(problem.domain.upper)
    return low + (high - low) * unit


def interpolant(problem, values):
    """The field that is periodic over the bounding box of the domain and has `values`, of shape
    (c, n) or (c, n, n), on its grid."""
    n, d = values.shape[-1], problem.domain.dimension
    coefficients = jnp.asarray(np.fft.fftn(values, axes=range(1, d + 1), norm="forward"))
    modes = jnp.asarray(np.fft.fftfreq(n, 1 / n))
    low = jnp.asarray(problem.domain.lower)
    lengths = jnp.asarray(problem.domain.upper) - low

    def field(x):
        phase = 2 * jnp.pi * (x - low) / lengths
        total = coefficients
        for angle in phase[::-1]:
            total = total @ jnp.exp(1j * angle * modes)
        return jnp.real(total)

    return field


def grid_of(problem, n):
    low, high = problem.domain.lower, problem.domain.upper
    axes = [a + (b - a) * np.arange(n) / n for a, b in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def field_at(case, t):
    problem = case.problem
    if not case.grid:
        return lambda x: problem.exact(jnp.asarray(t), x)
    grid = grid_of(problem, case.grid)
    values = problem.reference(0.0)(t, grid.reshape(-1, grid.shape[-1]))
    return interpolant(problem, np.moveaxis(values.reshape(*grid.shape[:-1], -1), -1, 0))


@pytest.mark.parametrize("name", CASES)
def test_the_reference_starts_from_the_initial_value(name):
    problem = CASES[name].problem
    points = points_of(problem, 300)
    wanted = jax.vmap(problem.initial)(jnp.asarray(points))
    got = problem.reference(0.3)(0.3, points)
    assert got.shape == (300, problem.components)
    np.testing.assert_allclose(got, wanted, rtol=0, atol=CASES[name].start)


@pytest.mark.parametrize("name", CASES)
def test_the_reference_solves_the_equation(name):
    """Central differences of fourth order in time against `rhs` of the reference as a field."""
    case, t0 = CASES[name], 0.0
    problem, t, delta = case.problem, case.time, case.delta
    reference, points = problem.reference(t0), points_of(problem, 12)
    early, before, after, late = (
        np.asarray(reference(t + k * delta, points)) for k in (-2, -1, 1, 2)
    )
    wanted = (8 * (after - before) - (late - early)) / (12 * delta)
    field = field_at(case, t)
    rate = jax.jit(jax.vmap(lambda x: problem.rhs(field, jnp.asarray(t), x)))
    got = np.asarray(rate(jnp.asarray(points)))
    assert np.max(np.abs(got)) > 0.01
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-7 * np.max(np.abs(wanted)))


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].problem.invariants])
def test_the_reference_keeps_the_invariants(name):
    """On a grid, whose sums are integrals of periodic functions, or of those that vanish at the
    ends. Densities of first order in time are pointwise here."""
    case = CASES[name]
    points = grid_of(case.problem, case.grid or 256).reshape(-1, case.problem.domain.dimension)
    reference = case.problem.reference(0.0)

    def total(density, t):
        if isinstance(case.problem, P.AbstractSecondOrderProblem):
            field = field_at(case, t)
            return np.sum(jax.jit(jax.vmap(lambda x: density(field, x)))(jnp.asarray(points)))
        return np.sum([density(lambda x, u=u: u, None) for u in reference(t, points)])

    for density in case.problem.invariants.values():
        totals = [total(density, t) for t in (0.0, case.time)]
        np.testing.assert_allclose(totals[1], totals[0], rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", [name for name in CASES if name not in WITHOUT_CONFIG])
def test_a_config_names_it(name):
    problem = load_config(CONFIGS / f"{name}.toml").problem
    nivp.problems.check_problem(problem)
    assert nivp.catalogue.describe(problem) == nivp.catalogue.describe(CASES[name].problem)


SECOND_ORDER = [
    name for name, case in CASES.items() if isinstance(case.problem, P.AbstractSecondOrderProblem)
]


@pytest.mark.parametrize("name", SECOND_ORDER)
def test_the_reference_vanishes_at_the_ends(name):
    """u and u_t, where the condition is `Dirichlet(0.0)`; the acceleration has the shape of u."""
    case = CASES[name]
    P.check_problem(case.problem)
    domain, reference = case.problem.domain, case.problem.reference(0.0)
    for face in domain.faces:
        ends = domain.face_points(face, jnp.zeros((1, domain.dimension)))
        for t in (0.0, case.time):
            assert np.max(np.abs(reference(t, ends))) < 2.5e-8


def test_the_mode_of_a_telegraph_is_that_of_the_matrix_exponential():
    """In all regimes, near the critical damping and far from it, with finite derivatives in it."""
    point = jnp.asarray([0.5])

    @jax.jit
    def mode(damping, t):
        return P.Telegraph(damping=damping).exact(t, point)

    slope = jax.jit(jax.jacfwd(lambda a, t: mode(a, t)[0]))
    for a in (0.0, 1.0, np.pi - 1e-7, np.pi, np.pi + 1e-7, 3.3, 9.0, 500.0):
        for t in (0.0, 1e-3, 0.3, 2.0, 900.0):
            matrix = np.asarray([[0.0, 1.0], [-(np.pi**2), -2 * a]])
            wanted = expm(t * matrix)[:, 0]
            np.testing.assert_allclose(mode(a, t), wanted, rtol=1e-7, atol=1e-9)
            assert np.isfinite(slope(a, t))


def test_a_pulse_is_smooth_where_the_media_meet():
    """u, u_t and u_x on either side, while it passes."""
    problem, t = P.TwoSpeeds(), jnp.asarray(0.27)
    field = jax.jit(lambda x: problem.exact(t, x))
    sides = [jnp.asarray([0.5 - 1e-12]), jnp.asarray([0.5])]
    for f, scale in ((field, 10.0), (jax.jit(jax.jacfwd(field)), 1e3)):
        before, after = (np.asarray(f(x)) for x in sides)
        assert np.max(np.abs(before)) > 0.1
        np.testing.assert_allclose(before[0], after[0], rtol=0, atol=1e-9 * scale)
    reference = problem.reference(0.2)
    assert np.all(np.isfinite(reference(0.7, np.asarray([[0.3]]))))
    with refused("closed form of TwoSpeeds holds until t = 0.7"):
        reference(0.71, np.asarray([[0.3]]))


def test_the_energy_of_a_breather():
    """16 epsilon, and a u that vanishes at the ends of the interval."""
    problem = P.SineGordon()
    x = jnp.linspace(-25.0, 25.0, 2001)[:, None]
    for t in (0.0, 3.0):
        field = functools.partial(problem.exact, jnp.asarray(t))
        density = jax.jit(jax.vmap(lambda x: problem.invariants["energy"](field, x)))(x)  # noqa: B023
        assert np.sum(density) * 0.025 == pytest.approx(16 * 0.8, rel=1e-10)
    end, middle = (problem.displacement(jnp.asarray([x]))[0] for x in (25.0, 0.0))
    assert 0 < end < 1e-8 * middle


NEGATIVE = (-1.0, float("nan"), float("inf"))
COEFFICIENTS = [
    (P.AllenCahn, "diffusivity"),
    (P.Burgers, "viscosity"),
    (P.HeatPeriodic, "diffusivity"),
    (P.KortewegDeVries, "wave_numbers"),
    (P.BurgersSine, "viscosity"),
    (P.Schroedinger, "frequency"),
    (P.NonlinearSchroedinger, "amplitude"),
    *((P.Maxwell, name) for name in ("width", "duration", "delay")),
    *((P.CahnHilliard, name) for name in ("mobility", "thickness")),
    *((P.ReactionDiffusion, name) for name in ("diffusivity", "rate")),
    *((P.GrayScott, name) for name in ("diffusivities", "feed", "kill")),
    (P.Vlasov, "strength"),
    *((P.KleinGordon, name) for name in ("speed", "mass")),
    *((P.SineGordon, name) for name in ("frequency", "half_width")),
    *((P.Telegraph, name) for name in ("damping", "speed", "length")),
    *((P.Beam, name) for name in ("stiffness", "length")),
    *((P.WaveString, name) for name in ("speed", "length")),
    *((P.TwoSpeeds, name) for name in ("speeds", "width")),
]
PAIRS = ("wave_numbers", "diffusivities", "speeds")


@pytest.mark.parametrize("value", NEGATIVE)
@pytest.mark.parametrize(("kind", "argument"), COEFFICIENTS)
def test_a_coefficient_out_of_range_is_refused(kind, argument, value):
    given = (1.0, value) if argument in PAIRS else value
    with refused(f"`{argument}` must be finite and (positive|non-negative)"):
        kind(**{argument: given})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: P.AllenCahn(3), "`dimension` must be 1 or 2, got 3"),
        (lambda: P.Burgers(0), "`dimension` must be an integer of at least 1, got 0"),
        (lambda: P.KortewegDeVries(domain=nivp.Torus((1.0, 1.0))), "`domain` must be one periodic"),
        (lambda: P.KortewegDeVries(domain=nivp.Box((0.0,), (1.0,))), "`domain` must be one period"),
        (lambda: P.Schroedinger(domain=nivp.Box((0.0,), (1.0,))), "`domain` must be one periodic"),
        (lambda: P.Schroedinger(displacement=float("inf")), "`displacement` must be one finite"),
        (lambda: P.NonlinearSchroedinger(domain=nivp.Torus((1.0, 1.0))), "`domain` must be one"),
        (lambda: P.GrayScott(diffusivities=(1.0,)), r"`diffusivities` has shape \(1,\)"),
        (lambda: P.KortewegDeVries(wave_numbers=(1.0, 1.0)), "`wave_numbers` must be different"),
        (lambda: P.KortewegDeVries(phases=(0.0, float("nan"))), "`phases` must be one finite"),
        (lambda: P.KleinGordon(0), "`dimension` must be an integer of at least 1, got 0"),
        (
            lambda: P.KleinGordon(domain=nivp.Torus((1.0, 1.0))),
            "`domain` has 2 axes and `dimension",
        ),
        (lambda: P.KleinGordon(domain=nivp.Box((0.0,), (1.0,))), "`domain` must be periodic along"),
        (lambda: P.KleinGordon(speed=(1.0, 2.0)), "`speed` must be one positive number"),
        (lambda: P.SineGordon(frequency=1.0), "`frequency` must lie between 0 and 1"),
        (lambda: P.SineGordon(frequency=0.9), "`half_width` is 25, .* make it at least 46"),
        (lambda: P.TwoSpeeds(speeds=(1.0,)), r"`speeds` has shape \(1,\)"),
        (lambda: P.TwoSpeeds(width=0.1), "`width` must be at most 0.05"),
    ],
)
def test_what_the_equation_is_not_written_for_is_refused(make, words):
    with refused(words):
        make()
