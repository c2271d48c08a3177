"""What print and a notebook show of problems, networks, methods and solutions."""

from xml.etree import ElementTree

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.display import short
from neural_ivp.networks import flatten

from .helpers import KEY, PROBLEMS, TORUS, Fourier, small_network

NAME = 'Wärme <b>&"'
ROD = nivp.Problem(
    domain=nivp.Box((0.0,), (1.0,)),
    boundary={"x0-": nivp.Dirichlet(0.0), "x0+": nivp.Neumann(lambda t, x: t)},
    initial=jnp.sin,
    rhs=lambda u, t, x: nivp.laplacian(u)(x),
    name=NAME,
)
METHOD = nivp.NeuralIVP(
    sampler=nivp.Uniform(64),
    velocity_solver=nivp.RidgeCholesky(damping=1e-9),
    integrator=nivp.AdaptiveStep(rtol=1e-2),
    fit=(nivp.LastLayer(num_points=100),),
    restart=nivp.PeriodicRestart(0.5),
)
NETWORKS = {
    "towers": small_network(PROBLEMS["heat_1d"]),
    "second order": nivp.default_network(nivp.problems.KleinGordon(), width=6, depth=1, key=KEY),
    "frame": nivp.default_network(nivp.problems.HarmonicTrap(), num_bumps=6, key=KEY),
    "series": nivp.FourierSeries(TORUS, 2, modes=3, key=KEY),
    "constant": nivp.ConstantStart(Fourier(2), (1.0,)),
    "of a user": Fourier(2),
}


def rows(value) -> dict[str, str]:
    """The rows of an object, which are the same in print and in a notebook."""
    title, *lines = repr(value).splitlines()
    assert len(lines) <= 12 and all(len(line) <= 120 for line in (title, *lines))
    table = ElementTree.fromstring(value._repr_html_())
    assert table.findtext("caption") == title
    cells = ([cell.text or "" for cell in row] for row in table.iter("tr"))
    found = {label: text for label, text in cells}
    for line, (label, text) in zip(lines, found.items(), strict=True):
        assert line.split(maxsplit=1)[0] == label.split()[0] and line.endswith(f"  {text}")
    return found


@pytest.mark.parametrize("name", PROBLEMS)
def test_problems(name):
    found = rows(PROBLEMS[name])
    assert {"domain", "components"} <= found.keys()
    assert ("boundary" in found) == bool(PROBLEMS[name].domain.faces)


def test_a_problem_of_a_user():
    found = rows(ROD)
    assert repr(ROD).startswith(f"{NAME} (Problem) in 1 dimension\n")
    assert "<b>" not in ROD._repr_html_() and "&lt;b&gt;&amp;" in ROD._repr_html_()
    assert found["boundary"] == "x0-: Dirichlet(value=0), x0+: Neumann(slope=<lambda>)"


def test_coefficients_and_invariants():
    found = rows(nivp.problems.Wave(2))
    assert found["invariants"] == "energy" and found["width"] == "0.05"


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name):
    network = NETWORKS[name]
    rows(network)
    kind, count = type(network).__name__, flatten(network)[0].size
    assert repr(network).startswith(f"{kind} with {count} parameters of float64")


def test_a_traced_network():
    texts = []
    eqx.filter_jit(lambda network: texts.append(repr(network)))(NETWORKS["towers"])
    assert texts == [repr(NETWORKS["towers"])]


def test_methods():
    found = rows(METHOD)
    assert found["sampler"] == "Uniform(num_points=64)"
    assert found["velocity_solver"] == "RidgeCholesky(damping=1e-09)"
    assert found["tolerance"] == "rtol 0.01, atol 1e-06"
    assert found["fit"] == "(LastLayer(num_points=100),)"
    for problem in (PROBLEMS["heat_1d"], nivp.problems.Wave(1)):
        rows(nivp.default_method(problem, small_network(problem)))


def test_solutions():
    problem = PROBLEMS["heat_torus"]
    network = nivp.default_network(problem, width=6, depth=1, num_frequencies=1, key=KEY)
    solution = nivp.solve(problem, network, METHOD, ts=[0.0, 0.01], key=KEY)
    found, record = rows(solution), solution.record
    assert repr(solution).startswith("Solution of Heat\n")
    assert found["result"] == "successful" and found["interval"] == "[0, 0.01], 2 saved times"
    assert found["parameters"] == str(flatten(network)[0].size)
    assert found["steps"] == f"{record['accepted'].sum()} accepted, 0 rejected"
    assert found["last step"].endswith(f"{record['projection_residual'][-1]:.1e}")
    assert float(found["seconds"].split(",")[0]) == pytest.approx(
        solution.seconds["total"], abs=0.1
    )
    with pytest.raises(nivp.SolveInterrupted) as stopped:
        nivp.solve(problem, network, METHOD, ts=[0.0, 0.01], key=KEY, progress=interrupt)
    found = rows(stopped.value.solution)
    assert found["result"] == "interrupted at t = 0 of 0.01"
    assert found["interval"] == "[0, 0], 1 saved time"
    assert found["steps"] == "0 accepted, 0 rejected" and "last step" not in found


def interrupt(progress):
    if progress.phase == "evolve":
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float64(0.1), "0.1"),
        (jnp.arange(3), "(0, 1, 2)"),
        (jnp.ones((30, 4)), "float64[30, 4]"),
        (np.array([True]), "bool[1]"),
        ((1.0,) * 20, "(1, 1, 1, 1, 1, 1, ...)"),
        (KEY, "key<fry>[]"),
        ("a\nb", "a b"),
        ({"x0-": None}, "x0-: None"),
        (nivp.ConstantStep(nivp.SDIRK2(), dt=0.1), "ConstantStep(solver=SDIRK2(), dt=0.1)"),
        (jax.nn.tanh, "<PjitFunction>"),
    ],
)
def test_short(value, text):
    assert short(value) == text
