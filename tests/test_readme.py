"""README.md: its snippets run in the order they stand, and what it names exists.

The snippets run as a reader would paste them, but for their sizes: `SIZES` makes the numbers in
their text small, and where they leave the method to the library, `cheap_method` makes that of the
default small. Accuracy is not tested here.
"""

import re
import shlex
from pathlib import Path

import jax
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.cli._finish import metrics
from neural_ivp.cli._main import _parser
from neural_ivp.config import make_config, read_table
from neural_ivp.defaults import _defaults
from neural_ivp.evolution import NeuralIVP
from neural_ivp.solve import _solve

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")

# Each must occur in the snippets exactly once, so that none is forgotten when the README changes.
SIZES = {
    "Advection(dimension=2)": "Advection(dimension=2, width=0.15)",
    "width=30": "width=6",
    "num_points=4_000": "num_points=200",
    "rank=200": "rank=10",
    "rtol=1e-4": "rtol=1e-1",
    "steps=300": "steps=20",
    "steps=200": "steps=10",
    "tolerance=1e-5": "tolerance=1e-1",
}


def blocks(language: str) -> list[str]:
    """The fenced code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)


def cheap_method(problem, network) -> NeuralIVP:
    """The default method with less work in every part: the same classes in the same places."""
    method = _defaults.default_method(problem, network)
    solver = method.velocity
    if isinstance(solver, nivp.RandomSubset):
        solver = nivp.RandomSubset(solver.inner, 100)
    return NeuralIVP(
        sampler=type(method.sampler)(300),
        velocity=solver,
        integrator=nivp.AdaptiveStep(method.integrator.solver, rtol=1e-2, atol=1e-3),
        fit=(nivp.GaussNewton(steps=20, sampler=nivp.ImportanceSampling(200)),),
        restart=method.restart,
    )


@pytest.fixture(scope="module")
def namespace(tmp_path_factory) -> dict:
    """What the snippets leave behind, run one after another in one namespace."""
    text = "\n".join(blocks("python"))
    for size, smaller in SIZES.items():
        assert text.count(size) == 1, f"{size!r} is not once in the snippets"
        text = text.replace(size, smaller)
    names: dict = {"__name__": "readme"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("readme"))
        patch.setattr(_solve, "default_method", cheap_method)
        exec(compile(text, "README.md", "exec"), names)
        names["files"] = {path.name for path in Path.cwd().iterdir()}
    return names


def test_snippets_run(namespace):
    assert namespace["files"] == {"advection.png", "advection.nivp", "fisher.nivp", "fit.png"}
    spelled_out, front = namespace["solution"], namespace["front"]
    assert spelled_out.result == front.result == "successful"
    assert [fit["t"] for fit in spelled_out.fits] == [0.0, 0.25]
    assert spelled_out(0.15, namespace["x"]).shape == (1,)
    assert front.problem is namespace["fisher"]


def test_metrics_are_those_of_the_table(namespace):
    table = TEXT.split("| Key | Value |")[1].split("\n\n")[0]
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| `")]
    made = metrics(namespace["front"], None, seed=0, points=1, device="cpu", versions={})
    assert [key for keys, _ in rows for key in re.findall(r"`(\w+)`", keys)] == list(made)
    for keys, value in rows:
        inner = made[re.findall(r"`(\w+)`", keys)[0]]
        if isinstance(inner, dict) and inner:
            assert re.findall(r"`(\w+)`", value.split(":")[-1]) == list(inner)


def test_default_solvers_are_those_it_says():
    """The sentence on what the default chooses."""
    limit = f"{_defaults.DENSE_LIMIT:,}".replace(",", " ")
    header = (
        f"a network of up to {limit} parameters gets `RandomSubset`, around `RidgeCholesky` in "
        "float64 and `LeastSquares` in float32, and a larger one `RidgeDualCG` in float64 and "
        "`RidgeCG` with a `Nystrom` preconditioner in float32"
    )
    assert header in " ".join(TEXT.split())
    problem = nivp.problems.Advection(1)
    for dtype, inner in (("float64", nivp.RidgeCholesky), ("float32", nivp.LeastSquares)):
        network = nivp.default_network(problem, key=jax.random.key(0), dtype=dtype)
        velocity = nivp.default_method(problem, network).velocity
        assert isinstance(velocity, nivp.RandomSubset) and isinstance(velocity.inner, inner)
    for dtype, kind in (("float64", nivp.RidgeDualCG), ("float32", nivp.RidgeCG)):
        wide = nivp.default_network(problem, key=jax.random.key(0), width=150, dtype=dtype)
        assert nivp.networks.flatten(wide)[0].size > _defaults.DENSE_LIMIT
        assert isinstance(nivp.default_method(problem, wide).velocity, kind)
    assert isinstance(nivp.default_method(problem, wide).velocity.preconditioner, nivp.Nystrom)


def test_default_steps_are_implicit_where_it_says():
    """Diffusion, in float64, up to the limit of parameters; and no other problem."""
    heat, key = nivp.problems.Heat(1), jax.random.key(0)

    def chosen(problem, **options):
        method = nivp.default_method(problem, nivp.default_network(problem, key=key, **options))
        return type(method.integrator.solver), type(method.velocity)

    implicit = (nivp.SDIRK4, nivp.RidgeDual)
    assert chosen(heat) == implicit
    assert chosen(heat, width=5) == (nivp.SDIRK4, nivp.RidgeCholesky)
    for problem, options in (
        (heat, {"dtype": "float32"}),
        (heat, {"width": 150}),
        (nivp.problems.Advection(1), {}),
        (nivp.problems.Wave(1), {}),
        (nivp.problems.FokkerPlanck(2), {}),
    ):
        assert chosen(problem, **options)[0] is not nivp.SDIRK4


@pytest.mark.parametrize("line", "".join(blocks("console")).splitlines())
def test_commands_are_valid(line, monkeypatch):
    """Every command parses, and the config that it would run can be made."""
    monkeypatch.chdir(ROOT)
    program, *arguments = shlex.split(line)
    assert program == ".venv/bin/neural-ivp"
    parsed = _parser().parse_args(arguments)
    if parsed.command == "run":
        config = make_config(read_table(parsed.config, parsed.set))
        assert np.all(np.isfinite(config.ts))


def test_names_exist():
    configs = set(re.findall(r"configs/\w+\.toml", TEXT))
    assert configs and all((ROOT / config).is_file() for config in configs)
    targets = set(re.findall(r"(?:^    |`)make ([\w-]+)", TEXT, flags=re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert {"demo", "test"} <= targets
    assert targets <= set(re.findall(r"^([\w-]+):", makefile, flags=re.MULTILINE))
    links = re.findall(r"\]\(([\w./]+)\)", TEXT)  # the picture is one
    assert links and all((ROOT / link).is_file() for link in links)
