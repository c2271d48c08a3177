"""Configs: what they accept, what they say of bad input, what the resolved one keeps."""

import tomllib
from pathlib import Path

import diffrax as dfx
import jax
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp import (
    SDIRK4,
    Box,
    NoRestart,
    PeriodicRestart,
    RandomSubset,
    RidgeCG,
    RidgeCholesky,
    Torus,
    Uniform,
    default_method,
    default_network,
    solve,
)
from neural_ivp.catalogue import describe
from neural_ivp.cli._environment import precision
from neural_ivp.config import load_config, make_config, read_table
from neural_ivp.networks import flatten
from neural_ivp.problems import Advection, Heat, Wave

from .helpers import TINY, refused

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.toml"))


@pytest.fixture
def write(tmp_path):
    """Write a file of the test's folder; its path."""

    def write(text: str, name: str = "tiny.toml") -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def refusal(path: Path, *overrides: str) -> str:
    with refused() as raised:
        load_config(path, overrides)
    return str(raised.value)


def test_values_arrive_where_they_belong(write):
    config = load_config(write(TINY))
    assert isinstance(config.problem, Heat) and isinstance(config.problem.domain, Torus)
    assert config.problem.domain.lengths == (1.0,)
    assert float(config.problem.diffusivity) == 0.1
    np.testing.assert_array_equal(config.ts, [0.0, 0.025, 0.05])
    assert (config.seed, config.dtype) == (3, "float64")
    assert (config.network.width, config.network.depth) == (8, 1)
    assert isinstance(config.method.sampler, Uniform) and config.method.sampler.num_points == 64
    assert isinstance(config.method.velocity_solver, RidgeCholesky)
    assert [stage.num_points for stage in config.method.fit] == [64, 200]
    assert isinstance(config.method.restart, NoRestart)


def test_what_is_missing_is_the_librarys_default(write):
    path = write('[problem]\nname = "Advection"\n[time]\nend = 0.5\n')
    config = load_config(path)
    problem = Advection()
    network = default_network(problem, key=jax.random.split(jax.random.key(0), 3)[0])
    assert describe(config.network) == describe(network)
    np.testing.assert_array_equal(flatten(config.network)[0], flatten(network)[0])
    assert describe(config.method) == describe(default_method(problem, network))
    np.testing.assert_array_equal(config.ts, np.linspace(0, 0.5, 11))


def test_a_part_without_a_name_changes_the_default_one(write):
    path = write('[problem]\nname = "Advection"\n[time]\nend = 0.5\n')
    default = load_config(path).method
    config = load_config(path, ["method.sampler.num_points=77", "method.fit.0.steps=5"])
    assert config.method.sampler.num_points == 77
    assert type(config.method.sampler) is type(default.sampler)
    assert config.method.fit[0].steps == 5
    assert config.method.fit[0].tolerance == default.fit[0].tolerance
    assert config.method.fit[1:] == default.fit[1:]


def test_the_same_run_as_solve_with_its_defaults(write):
    """The network's weights come from the same key as in `solve`."""
    config = load_config(write(TINY), ['method.fit=[{name="LastLayer", num_points=200}]'])
    method, ts = config.method, config.ts
    network_key = jax.random.split(config.key, 3)[0]
    network = default_network(config.problem, key=network_key, width=8, depth=1, num_frequencies=1)
    by_config = solve(config.problem, config.network, method, ts=ts, key=config.key)
    by_hand = solve(config.problem, network, method, ts=ts, key=config.key)
    np.testing.assert_array_equal(by_config.parameters, by_hand.parameters)


def test_a_solver_of_diffrax_replaces_implicit_steps(write):
    """Heat has implicit steps by default, a table that a name alone replaces."""
    assert isinstance(load_config(write(TINY)).method.integrator.solver, SDIRK4)
    other = load_config(write(TINY + '[method.integrator]\nsolver = "Tsit5"\n')).method
    assert isinstance(other.integrator.solver, dfx.Tsit5)


def test_nested_parts(write):
    text = (
        TINY.replace('velocity_solver = "RidgeCholesky"\n', "")
        + """
[method.velocity_solver]
name = "RandomSubset"
size = 20
[method.velocity_solver.inner]
name = "RidgeCG"
damping = 1e-7
preconditioner = { name = "Nystrom", rank = 7 }
[method.integrator.solver]
name = "ExplicitRungeKutta"
corrections = 1
solver = "Bosh3"
[method.refit]
keep = 0.5
stages = [{ name = "LastLayer" }]
[method.restart]
name = "AnyRestart"
rules = [{ name = "PeriodicRestart", every = 0.02 }, { name = "RestartOnResidual", growth = 3.0 }]
"""
    )
    method = load_config(write(text)).method
    assert isinstance(method.velocity_solver, RandomSubset) and method.velocity_solver.size == 20
    assert isinstance(method.velocity_solver.inner, RidgeCG)
    assert method.velocity_solver.inner.damping == 1e-7
    assert method.velocity_solver.inner.preconditioner.rank == 7
    scheme = method.integrator.solver
    assert scheme.corrections == 1 and isinstance(scheme.solver, dfx.Bosh3)
    periodic, measured = method.restart.rules
    assert isinstance(periodic, PeriodicRestart) and measured.growth == 3.0
    assert method.refit.keep == 0.5 and len(method.refit.stages) == 1


@pytest.mark.parametrize(
    ("damping", "value"),
    [("1e-7", 1e-7), ('{ name = "Damping", value = 0.5, relative = false }', 0.5)],
)
def test_wrapped_solvers_and_their_dampings(write, damping, value):
    text = (
        TINY.replace('velocity_solver = "RidgeCholesky"\n', "")
        + f"""
[method.velocity_solver]
name = "RandomSubset"
size = 30
inner = {{ name = "ProximalDamping", inner = {{ name = "RidgeDual", damping = {damping} }} }}
"""
    )
    config = load_config(write(text))
    inner = config.method.velocity_solver.inner.inner
    assert config.method.velocity_solver.size == 30
    assert value in (inner.damping, getattr(inner.damping, "value", None))
    again = load_config(write(config.toml(), "resolved.toml"))
    assert describe(again.method) == describe(config.method)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_of_the_repository_resolves_to_itself(path, write):
    config = load_config(path)
    again = load_config(write(config.toml(), "resolved.toml"))
    assert again.resolved == config.resolved
    assert again.toml() == config.toml()
    assert describe(again.problem) == describe(config.problem)
    assert describe(again.method) == describe(config.method)
    np.testing.assert_array_equal(flatten(again.network)[0], flatten(config.network)[0])
    np.testing.assert_array_equal(again.ts, config.ts)


@pytest.mark.parametrize(
    "overrides",
    [
        ("time.saves=[0.01, 0.02]",),
        ("method.restart.name=PeriodicRestart", "method.restart.every=0.025"),
        (
            "method.velocity_solver=RidgeCG",
            "method.integrator.solver=Bosh3",
            "method.integrator.dt0=1e-3",
        ),
        ("problem.name=Wave", "problem.speed=1"),
        ('method.conserve=["mass"]',),
    ],
)
def test_resolved_is_complete(write, overrides):
    config = load_config(write(TINY), overrides)
    again = make_config(tomllib.loads(config.toml()))
    assert again.resolved == config.resolved
    assert describe(again.method) == describe(config.method)
    assert describe(again.problem) == describe(config.problem)
    np.testing.assert_array_equal(again.ts, config.ts)


def test_coefficients_keep_their_digits_in_float32(write):
    """The array holds 0.1 rounded; the config says 0.1, and a default as it is in the code."""
    path = write(TINY)
    with precision("float32"):
        config = load_config(path, ["dtype=float32"])
        assert flatten(config.network)[0].dtype == "float32"
        wave = load_config(path, ["dtype=float32", "problem=Wave", "problem.width=0.2"])
    assert config.resolved["problem"]["diffusivity"] == 0.1
    assert wave.resolved["problem"]["speed"] == 0.1**0.5
    assert wave.resolved["problem"]["width"] == 0.2


@pytest.mark.parametrize(
    ("override", "message"),
    [
        # unknown keys, with the nearest valid one
        ("sead=1", "unknown key `sead`.*'seed'"),
        ("problem.difusivity=1", "unknown key `problem.difusivity` in Heat.*'diffusivity'"),
        ("problem.domain.length=[1]", "unknown key `problem.domain.length` in Torus.*'lengths'"),
        ("time.ends=1", "unknown key `time.ends`.*'end'"),
        ("network.widht=3", "unknown key `network.widht`.*'width'"),
        ("method.velocty=1", "unknown key `method.velocty`.*'velocity_solver'"),
        (
            "method.velocity_solver.dampin=1",
            "unknown key `method.velocity_solver.dampin`.*'damping'",
        ),
        ("method.fit.0.step=1", "unknown key `method.fit.0.step` in Adam.*'steps'"),
        # unknown names, with the nearest of the right kind
        ("problem.name=heat", "`problem.name` cannot be \"heat\".*'Heat'"),
        (
            "method.velocity_solver=RidgeGC",
            "`method.velocity_solver.name` cannot be \"RidgeGC\".*'RidgeCG'",
        ),
        (
            "method.velocity_solver.name=Uniform",
            '`method.velocity_solver.name` cannot be "Uniform"',
        ),
        ("method.integrator.solver=Tsit", "`method.integrator.solver` .*'Tsit5'"),
        ("network.name=SinusoidMLP", "`network.name` .*'SinusoidalMLP'"),
        ("network.activation=swich", "`network.activation` .*'swish'"),
        ("dtype=float16", '`dtype` cannot be "float16".*float32'),
        # types
        ("seed=true", "`seed` must be an integer, got true"),
        ("seed=1.5", "`seed` must be an integer, got 1.5"),
        ("problem.diffusivity=hot", '`problem.diffusivity` must be a finite number, got "hot"'),
        ("problem.diffusivity=true", "`problem.diffusivity` must be a finite number, got true"),
        ("problem.diffusivity=inf", "`problem.diffusivity` must be a finite number"),
        ("problem.diffusivity=[1.0]", "`problem.diffusivity` must be a finite number, got .*list"),
        ("problem.domain.lengths=1", "`problem.domain.lengths` must be a list of finite numbers"),
        ("method.sampler.num_points=1e3", "`method.sampler.num_points` must be .*write 1000"),
        ("method.fit.0.cosine_decay=1", "`method.fit.0.cosine_decay` must be true or false, got 1"),
        ("method.fit=Adam", "`method.fit` must be an array of tables"),
        ("method.integrator.solver=3", "`method.integrator.solver` must be a table or a name"),
        ("time=1", "`time` must be a table, got 1"),
        ("problem=1", "`problem` must be a table or a name, got 1"),
        # values that the constructors refuse
        ("problem.diffusivity=-1", "`problem.diffusivity` must be finite and non-negative"),
        ("problem.dimension=0", "`problem.dimension` must be an integer of at least 1"),
        ("problem.domain.lengths=[-1.0]", "`problem.domain.lengths` must be finite and positive"),
        ("network.width=0", "`network.width` must be an integer of at least 1"),
        (
            "method.velocity_solver.damping=0",
            "`method.velocity_solver.damping` must be finite and positive",
        ),
        ("method.fit=[]", "`method.fit` must be one or more fit stages"),
        # what contradicts the rest, or is said elsewhere
        ("problem.dimension=2", "`problem.dimension` = 2 would not be used.*makes it 1"),
        ("network.dtype=float32", "`network.dtype` follows from `dtype`"),
        ("method.fit.2.steps=1", "`method.fit.2`.*has 2 entries"),
        ("method.sampler=QuasiMonteCarlo", "`method.sampler.num_points` is missing"),
        ("extends=other.toml", "`extends` is allowed only in a config file"),
        # time
        ("time.end=-0.5", "`time.end` must lie after `time.start`, got -0.5"),
        ("time.start=0.05", "`time.end` must lie after `time.start`"),
        ("time.num_saves=1", "`time.num_saves` must be an integer of at least 2"),
        ("time.saves=[0.02, 0.01]", "`time.saves` must increase, got 0.01 after 0.02"),
        ("time.saves=[0.02, 0.02]", "`time.saves` must increase"),
        ("time.saves=[0.02, 0.9]", "`time.saves` must lie between 0.0 and 0.05, got 0.9"),
        ("seed=-1", "`seed` must lie between 0 and"),
        # the override itself
        ("seed", "`--set` takes section.key=value, got 'seed'"),
        ("problem..width=1", "`--set` takes section.key=value"),
    ],
)
def test_bad_input_names_path_value_and_fix(write, override, message):
    with refused(message):
        load_config(write(TINY), [override])


def test_missing_parts(write):
    assert "`problem` is missing" in refusal(write("[time]\nend = 1"))
    assert "`time` is missing" in refusal(write('problem = "Heat"'))
    assert "`time.end` is missing" in refusal(write('problem = "Heat"\ntime = {}'))
    text = "problem = {dimension = 1}\ntime = {end = 1}"
    assert "`problem.name` is missing" in refusal(write(text))
    text = 'problem = "Heat"\ntime = {end = 1, saves = [0.5], num_saves = 3}'
    assert "not both" in refusal(write(text))


def test_bad_files(write, tmp_path):
    assert "there is no file" in refusal(tmp_path / "none.toml")
    assert "is a directory: name a TOML file in it" in refusal(tmp_path)
    assert "is not valid TOML" in refusal(write("seed = = 1"))
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00")
    assert "is no text in UTF-8, so no TOML file" in refusal(path)


def test_saves_always_hold_the_start_and_the_end(write):
    config = load_config(write(TINY), ["time.saves=[0.01, 0.02]"])
    np.testing.assert_array_equal(config.ts, [0.0, 0.01, 0.02, 0.05])
    text = 'problem = "Heat"\ntime = {start = 1, saves = [2, 3]}'
    np.testing.assert_array_equal(load_config(write(text)).ts, [1.0, 2.0, 3.0])


class TestExtends:
    def test_tables_are_merged_deep(self, write):
        write(TINY, "base.toml")
        over = 'extends = "base.toml"\n[method.fit.0]\nsteps = 7\n[problem]\ndiffusivity = 0.5\n'
        table = read_table(write(over, "over.toml"))
        expected = read_table(write(TINY))
        expected["problem"]["diffusivity"] = 0.5
        expected["method"]["fit"][0]["steps"] = 7
        assert table == expected

    def test_another_name_replaces_the_table(self, write):
        """The arguments of the class below are not those of the class above."""
        write(TINY + '[method.restart]\nname = "PeriodicRestart"\nevery = 0.1\n', "base.toml")
        over = 'extends = "base.toml"\n[method.restart]\nname = "NoRestart"\n'
        assert isinstance(load_config(write(over)).method.restart, NoRestart)

    def test_a_name_alone_is_the_same_as_a_table(self, write):
        write(TINY, "base.toml")
        path = write('extends = "base.toml"\n[method.velocity_solver]\ndamping = 1e-3\n')
        assert load_config(path).method.velocity_solver == RidgeCholesky(damping=1e-3)

    def test_relative_to_the_file_and_more_than_one(self, write, tmp_path):
        (tmp_path / "inner").mkdir()
        write(TINY, "base.toml")
        write('extends = "../base.toml"\nseed = 5\ndtype = "float32"\n', "inner/middle.toml")
        table = read_table(write('extends = "inner/middle.toml"\nseed = 6\n', "top.toml"))
        assert (table["seed"], table["dtype"], table["problem"]["name"]) == (6, "float32", "Heat")

    def test_errors(self, write):
        write('extends = "b.toml"', "a.toml")
        path = write('extends = "a.toml"', "b.toml")
        assert "goes round in a circle" in refusal(path)
        message = refusal(write('extends = "none.toml"', "c.toml"))
        assert "there is no file" in message and "`extends` in" in message
        assert "`extends` must be the path" in refusal(write("extends = 3"))

    def test_saves_take_back_num_saves(self, write):
        write(TINY, "base.toml")
        path = write('extends = "base.toml"\ntime.saves = [0.01]\n')
        np.testing.assert_array_equal(load_config(path).ts, [0.0, 0.01, 0.05])


class TestOverrides:
    def test_values_are_toml_or_bare_strings(self, write):
        pairs = {
            "a.i": ("3", 3),
            "a.f": ("1e-3", 1e-3),
            "a.b": ("true", True),
            "a.l": ("[1, 2]", [1, 2]),
            "a.s": ("Heat", "Heat"),
            "a.q": ('"3"', "3"),
            "a.t": ('{name = "Box"}', {"name": "Box"}),
            "a.e": ("a=b", "a=b"),
            "a.n": ("1\nb = 2", "1\nb = 2"),
        }
        table = read_table(write(""), [f"{key}={text}" for key, (text, _) in pairs.items()])
        assert table == {"a": {key[2:]: value for key, (_, value) in pairs.items()}}

    @pytest.mark.parametrize("swap", [False, True])
    def test_their_order_does_not_matter(self, write, swap):
        changes = ["problem.name=Wave", "problem.speed=2", "problem.domain.name=Box"]
        changes += ["problem.domain.lower=[0]", "problem.domain.upper=[1]"]
        config = load_config(write(TINY), changes[::-1] if swap else changes)
        assert isinstance(config.problem, Wave) and float(config.problem.speed) == 2
        assert config.problem.domain == Box([0], [1])
        short = ["method.velocity_solver=RidgeCG", "method.velocity_solver.damping=1e-3"]
        method = load_config(write(TINY), short[::-1] if swap else short).method
        assert (
            isinstance(method.velocity_solver, RidgeCG) and method.velocity_solver.damping == 1e-3
        )

    def test_the_last_one_of_a_key_wins(self, write):
        assert load_config(write(TINY), ["seed=4", "seed=5"]).seed == 5


def test_a_product_of_axes_in_a_config():
    table = {
        "problem": {
            "name": "Heat",
            "domain": {
                "name": "ProductDomain",
                "axes": [
                    {"name": "Periodic", "length": 2.0},
                    {"name": "Interval", "lower": 0.0, "upper": 1.0},
                ],
            },
        },
        "time": {"end": 0.1},
    }
    config = make_config(table)
    wanted = nivp.ProductDomain((nivp.Periodic(2.0), nivp.Interval(0.0, 1.0)))
    assert config.problem.domain == wanted
    assert make_config(config.resolved).problem.domain == wanted
    table["problem"]["domain"]["axes"] = {"name": "Periodic"}
    with refused(r"`problem.domain.axes` must be an array of tables"):
        make_config(table)


def test_another_velocity_solver_takes_the_implicit_scheme_that_it_can():
    table = {"problem": {"name": "Heat", "dimension": 1}, "time": {"end": 0.1}}
    assert isinstance(make_config(table).method.integrator.solver, nivp.Rodas4)
    table["method"] = {"velocity_solver": "RidgeDual"}
    assert isinstance(make_config(table).method.integrator.solver, nivp.SDIRK4)
