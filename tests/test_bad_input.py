"""What is said of absurd sizes, functions not written for JAX, and files that are none."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.config import load_config, read_table
from neural_ivp_cli import main

from .helpers import KEY, TINY, TORUS, refused

HUGE = 10**10


def problem(**changes):
    parts = dict(domain=TORUS, initial=jnp.sin, rhs=lambda u, t, x: -u(x))
    return nivp.Problem(**(parts | changes))


def density(drift=lambda t, x: -x, diffusion=0.1):
    return nivp.FokkerPlanck(drift, diffusion, nivp.Gaussian([0.0, 0.0], 0.1))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: nivp.SinusoidalMLP(TORUS, 1, width=HUGE, key=KEY),
            r"`width` = 10000000000, `depth` = 3 make a network of 2e\+20 parameters, .* GiB",
        ),
        (
            lambda: nivp.FourierSeries(nivp.Torus((1.0,) * 6), 1, modes=100, key=KEY),
            r"`modes` = 100 make a network of 6\.\d+e\+13 parameters",
        ),
        (
            lambda: nivp.RidgeSum(2, num_directions=HUGE, key=KEY),
            "`num_directions` = 10000000000, `num_bumps` = 16 make a network",
        ),
        (lambda: nivp.SinusoidalMLP(TORUS, 1, depth=HUGE, key=KEY), "`depth` must be at most 1000"),
        (
            lambda: nivp.SinusoidalMLP(TORUS, 1, num_frequencies=HUGE, key=KEY),
            "`num_frequencies` must be at most",
        ),
        (lambda: nivp.problems.Advection(HUGE), "`dimension` must be at most 1000, got 1000000000"),
        (lambda: nivp.problems.HeatSpace(10**6), "`dimension` must be at most 1000"),
        (lambda: nivp.Euclidean(10**6), "`dimension` must be at most 1000"),
        (
            lambda: nivp.Box((0.0,) * 2000, (1.0,) * 2000),
            "the number of dimensions in `lower` must be at most 1000, got 2000",
        ),
        (lambda: nivp.Torus(np.ones(2000)), "the number of dimensions in `lengths`"),
        (lambda: nivp.ProductDomain((nivp.Periodic(1.0),) * 2000), "the number of `axes`"),
        (lambda: nivp.Gaussian(np.zeros(10**6), 1.0), "the number of dimensions in `mean`"),
        (lambda: nivp.Uniform(HUGE), "`num_points` must be at most 10000000, got 10000000000"),
        (lambda: nivp.ImportanceSampling(100, oversampling=HUGE), "`oversampling` must be at most"),
        (lambda: nivp.LandmarkSubspace(HUGE), "`rank` must be at most 100000"),
        (lambda: nivp.Nystrom(HUGE), "`rank` must be at most 100000"),
        (
            lambda: nivp.solve(problem(), ts=np.arange(2_000_000), key=KEY),
            "the number of times in `ts` must be at most 1000000, got 2000000",
        ),
    ],
)
def test_absurd_sizes(make, words):
    with refused(words):
        make()


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (
            "network.width=10_000_000_000",
            r"`network.width` = 10000000000, `network.depth` = 1 make",
        ),
        (
            "problem={name='Advection', dimension=1000000}",
            "`problem.dimension` must be at most 1000",
        ),
        ("method.sampler.num_points=1000000000000", "`method.sampler.num_points` must be at most"),
        ("time.num_saves=1000000000000", "`time.num_saves` must be at most 1000000"),
        ("seed=1e30", r"`seed` must be an integer, got 1e\+30 \(a float\)$"),
        ("seed=3.0", r"`seed` must be an integer, got 3.0 \(a float\): write 3$"),
        ("problem.diffusivity=Wärme", '`problem.diffusivity` must be a finite number, got "Wärme"'),
        ("problem.name=Wärme", '`problem.name` cannot be "Wärme"'),
        (f"seed={'[' * 100_000}", "`--set seed` is nested too deeply"),
        (f"seed={'[' * 100}{']' * 100}", "`--set seed` is nested too deeply: at most 30 levels"),
    ],
)
def test_a_config(tmp_path, override, words):
    (tmp_path / "tiny.toml").write_text(TINY)
    with refused(words):
        load_config(tmp_path / "tiny.toml", [override])


class TestFiles:
    def test_a_config_of_brackets(self, tmp_path, capsys):
        path = tmp_path / "brackets.toml"
        path.write_text("a = " + "[" * 100_000)
        assert main(["run", str(path)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line == f"error: {str(path)!r} is nested too deeply"

    def test_a_directory(self, tmp_path, capsys):
        assert main(["run", str(tmp_path)]) == 2
        assert "is a directory: name a TOML file in it" in capsys.readouterr().err
        with refused("is a directory: name a solution file in it"):
            nivp.load(tmp_path)

    @pytest.mark.parametrize("levels", [100, 100_000])
    def test_a_header_of_brackets(self, tmp_path, levels):
        header = json.dumps({"format": "neural_ivp solution", "version": 3, "a": 0})
        brackets = "[" * levels + "]" * levels
        path = tmp_path / "deep.nivp"
        path.write_text(header.replace('"a": 0', f'"a": {brackets}') + "\n")
        with refused("is nested too deeply|is not a solution file"):
            nivp.load(path)

    def test_nesting_of_the_library_is_read(self, tmp_path):
        (tmp_path / "tiny.toml").write_text(TINY + "[a.b.c.d.e.f.g]\nh = [[[[[1]]]]]")
        assert read_table(tmp_path / "tiny.toml")["a"]["b"]["c"]["d"]["e"]["f"]["g"]["h"]

    @pytest.mark.parametrize("seed", ["1e30", str(10**30)])
    def test_a_seed_on_the_command_line(self, tmp_path, capsys, seed):
        (tmp_path / "tiny.toml").write_text(TINY)
        assert main(["run", str(tmp_path / "tiny.toml"), "--seed", seed]) == 2
        message = capsys.readouterr().err
        assert "write" not in message and seed in message


def acceleration_of(value):
    return nivp.SecondOrderProblem(
        domain=TORUS, initial=jnp.sin, initial_velocity=jnp.cos, acceleration=value
    )


NUMPY = "makes a numpy array of what JAX traces: use jax.numpy instead of numpy"
FLOATS = "return floating-point numbers"
COMPUTES = r"computes with a function \(.*\): call it at x, e.g. u\(x\)"
FUNCTION = (
    r"must return values of shape \(c,\), got a function: call it at x, .*laplacian\(u\)\(x\)"
)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: problem(rhs=lambda u, t, x: nivp.laplacian(u)), f"`rhs` {FUNCTION}"),
        (lambda: problem(initial=lambda x: jnp.sin), f"`initial` {FUNCTION}"),
        (
            lambda: acceleration_of(lambda u, v, t, x: nivp.laplacian(u)),
            f"`acceleration` {FUNCTION}",
        ),
        (
            lambda: acceleration_of(lambda u, v, t, x: u(x, t)),
            "`acceleration` calls u with 2 arguments: it is the field",
        ),
        (
            lambda: acceleration_of(lambda t, x, u, v: u(x)),
            r"`acceleration` calls what is no function .* order \(u, v, t, x\)",
        ),
        (
            lambda: acceleration_of(lambda u, v, t, x: u(x) * x[1]),
            "`acceleration` has an out-of-bounds index",
        ),
        (lambda: density(drift=lambda t, x: jnp.sin), f"`drift` {FUNCTION}"),
        (lambda: density(diffusion=lambda t, x: jnp.sin), f"`diffusion` {FUNCTION}"),
        (lambda: problem(invariants={"m": lambda u, x: u}), f"`invariants` {FUNCTION}"),
        (
            lambda: problem(rhs=lambda u, t, x: 2 * nivp.laplacian(u)),  # pyright: ignore
            f"`rhs` {COMPUTES}",
        ),
        (lambda: problem(rhs=lambda u, t, x: -u), f"`rhs` {COMPUTES}"),
        (lambda: problem(rhs=lambda u, t, x: u[0]), f"`rhs` {COMPUTES}"),
        (lambda: problem(rhs=lambda u, t, x: (u(x),)), "the value of `rhs` is a tuple: return one"),
        (lambda: problem(initial=lambda x: [x[0]]), "the value of `initial` is a list: return one"),
        (lambda: density(drift=lambda t, x: (-x[0], x[1])), "the value of `drift` is a tuple"),
        (lambda: density(drift=lambda t, x: [-x[0], x[1]]), "the value of `drift` is a list"),
        (lambda: density(diffusion=lambda t, x: [[1.0]]), "the value of `diffusion` is a list"),
        (lambda: problem(rhs=lambda u, t, x: None), "the value of `rhs` is a NoneType"),
        (lambda: problem(initial=lambda x: np.sin(x)), f"`initial` {NUMPY}"),
        (lambda: problem(rhs=lambda u, t, x: np.exp(u(x))), f"`rhs` {NUMPY}"),
        (lambda: density(drift=lambda t, x: np.array([x[0], x[1]])), f"`drift` {NUMPY}"),
        (lambda: density(diffusion=lambda t, x: np.exp(x[0])), f"`diffusion` {NUMPY}"),
        (
            lambda: problem(rhs=lambda u, t, x: u(x) if t > 0 else -u(x)),
            "`rhs` needs the number behind what JAX traces",
        ),
        (
            lambda: density(drift=lambda t, x: x > 0),
            r"the value of `drift` has shape \(2,\) and dtype bool, expected real numbers",
        ),
        (lambda: problem(rhs=lambda u, t, x: u(x) > 0), f"`rhs` has dtype bool: {FLOATS}"),
        (lambda: problem(initial=lambda x: jnp.ones(1, int)), f"has dtype int64: {FLOATS}"),
        (lambda: problem(initial=lambda x: x[1:]), r"shape \(0,\), expected \(components,\)"),
        (
            lambda: problem(rhs=lambda u, t, x: nivp.laplacian(u)(x) * x[1]),
            "`rhs` has an out-of-bounds index for array of shape .1,.: index 1 is out of bounds",
        ),
        (lambda: problem(initial=lambda x: x * x[-2]), "`initial` has an out-of-bounds index"),
        (
            lambda: problem(rhs=lambda t, x, u: u(x)),
            r"`rhs` calls what is no function .* come in the order \(u, t, x\)",
        ),
        (lambda: problem(rhs=lambda t, u, x: nivp.laplacian(u)(x)), "`rhs` calls what is no func"),
        (
            lambda: problem(rhs=lambda u, x, t: nivp.laplacian(u)(x)),
            r"got a number: are the arguments .* in order, such as rhs\(u, t, x\)",
        ),
        (
            lambda: problem(rhs=lambda u, t, x: u(x, t)),
            "`rhs` calls u with 2 arguments: it is the field",
        ),
    ],
)
def test_functions(make, words):
    with refused(words):
        make()


def test_a_diffusion_may_be_a_plain_number():
    assert density(diffusion=lambda t, x: 0.2).process.constant is None


NETWORK = nivp.FourierSeries(TORUS, 1, modes=2, key=KEY)
SEGMENT = nivp.evolution.Segment(
    np.array([0.0, 1.0]),
    *[np.zeros((k, nivp.networks.flatten(NETWORK)[0].size)) for k in (2, 1, 1)],
)
SOLUTION = nivp.Solution(problem(), NETWORK, np.array([0.0]), [SEGMENT], {}, "", "", [])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: problem(invariants=lambda u, x: u(x)[0]), "`invariants` must be a dict of func"),
        (lambda: problem(norm="L2"), "`norm` must be an AbstractInnerProduct, got 'L2'"),
        (lambda: nivp.problems.Heat(diffusivity=np.ones(3)), "`diffusivity` must be one non-neg"),
        (
            lambda: nivp.default_network(problem(), dtype="flaot32", key=KEY),
            '`dtype` must be "float32" or "float64", got \'flaot32\'',
        ),
        (lambda: nivp.grad(jnp.sin)(np.ones((4, 1))), "`grad` of a field .* one point, of shape"),
        (lambda: nivp.laplacian(jnp.sin)(jnp.ones((4, 1))), "got x of shape .4, 1.: call it by"),
        (lambda: nivp.step_memory(problem(), NETWORK, 3), "`method` must be a NeuralIVP, got 3"),
        (lambda: nivp.solve(problem(), ts=[0, 0.1j], key=KEY), "`ts` must be times"),
        (lambda: SOLUTION(np.zeros(0), np.zeros((3, 1))), "`t` must be a time or an array of"),
        (lambda: SOLUTION.error("x"), "`reference` must be a function of"),
        (lambda: SOLUTION.plot("u.png"), "`reference` must be a function of .* got 'u.png'"),
        (lambda: SOLUTION.error(lambda t, x: x[:, 0]), r"expected .20000, 1.: a column for .* .u."),
        (lambda: SOLUTION.error(lambda t, x: np.nan * x), "`reference` is not finite at 20000 of"),
        (lambda: SOLUTION.error(lambda t, x: x, num_points=0), "`num_points` must be an integer"),
    ],
)
def test_arguments(make, words):
    with refused(words):
        make()


def test_no_points_have_no_values():
    assert SOLUTION(0.5, np.zeros((0, 1))).shape == (0, 1)


@pytest.mark.parametrize("t", [[0.0, 0.1], np.zeros(2), "0.1", None, np.nan])
def test_a_time_of_a_solution(t):
    segment = nivp.evolution.Segment(np.array([0.0, 1.0]), *[np.zeros((k, 1)) for k in (2, 1, 1)])
    network = nivp.default_network(density(), num_bumps=6, key=KEY)
    made = nivp.Solution(density(), network, np.array([0.0]), [segment], {}, "", "", [])
    calls = made.mean, made.covariance, made.entropy, made.mass, made.network, made.field
    for call in (*calls, lambda t: made.sample(t, 2, KEY), lambda t: made.marginal(t, 0, [0.0])):
        with refused("`t` "):
            call(t)
