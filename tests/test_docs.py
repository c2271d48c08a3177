"""README.md and docs/: snippets run, commands parse, and what they name exists.

Each file's snippets run in the order they stand, as a reader would paste them, but for their sizes:
`SIZES` makes the numbers in their text small, and where they leave network and method to the
library, `cheap_network` and `cheap_method` make those of the default small. Accuracy is not tested
here.
"""

import builtins
import functools
import re
import shlex
import tomllib
from pathlib import Path
from types import ModuleType

import diffrax
import jax
import numpy as np
import pytest
from jax.experimental.compilation_cache.compilation_cache import reset_cache

import neural_ivp as nivp
from neural_ivp.cli._finish import metrics
from neural_ivp.config import config_path, make_config, read_table
from neural_ivp.defaults import default_method, default_network
from neural_ivp.solve import _solve
from neural_ivp_cli._parser import make_parser

from .test_layers import ROOMS

ROOT = Path(__file__).parents[1]
PAGES = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").rglob("*.md"))]
FILES = ["README.md", "CONTRIBUTING.md", *PAGES]
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in FILES}

# Each must occur in the snippets of its file exactly once, so that none is forgotten.
SIZES = {
    "README.md": {"Advection(dimension=2)": "Advection(dimension=2, width=0.15)"},
    "docs/method.md": {
        "Advection(dimension=2)": "Advection(dimension=2, width=0.15)",
        "width=30, depth=3": "width=6, depth=1",
        "num_points=4_000": "num_points=200",
        "rank=200": "rank=10",
        "rtol=1e-4": "rtol=1e-1",
        "steps=300": "steps=20",
    },
    "docs/problems.md": {"steps=200": "steps=10"},
    "docs/pictures.md": {"num_frames=60": "num_frames=3"},
    "docs/fitting.md": {
        "tolerance=1e-5": "tolerance=1e-1",
        "default_network(problem, ": "default_network(problem, width=6, depth=1, ",
    },
    "docs/time_stepping.md": {
        "default_network(problem, ": "default_network(problem, width=6, depth=1, "
    },
    "docs/reliability.md": {"steps=100": "steps=20", "width=10, depth=2": "width=6, depth=1"},
    "docs/extending.md": {"steps=100": "steps=20"},
    "docs/howto.md": {"width=20, depth=3": "width=6, depth=1", "steps=200": "steps=10"},
}


def blocks(name: str, language: str) -> list[str]:
    """The fenced code blocks of a language in a file."""
    fence = rf"^```{language}\n(.*?)^```$"
    return re.findall(fence, TEXTS[name], flags=re.MULTILINE | re.DOTALL)


def with_blocks(language: str) -> list[str]:
    return [name for name in FILES if blocks(name, language)]


def cheap_network(problem, *, key):
    """The default network with less width and depth."""
    if isinstance(problem.domain, nivp.Euclidean):
        return default_network(problem, num_directions=4, key=key)
    return default_network(problem, width=8, depth=1, key=key)


def cheap_method(problem, network, *, rtol) -> nivp.NeuralIVP:
    """The default method with less work in every part, and steps that compile fast."""
    method = default_method(problem, network, rtol=rtol)
    solver = method.velocity_solver
    if isinstance(solver, nivp.LandmarkSubspace):
        solver = nivp.LandmarkSubspace(60, damping=1e-6)
    return nivp.NeuralIVP(
        sampler=type(method.sampler)(300),
        velocity_solver=solver,
        integrator=nivp.AdaptiveStep(diffrax.Bosh3(), rtol=1e-2, atol=1e-3),
        fit=(nivp.GaussNewton(steps=20, sampler=nivp.ImportanceSampling(200)),),
        restart=method.restart,
    )


@pytest.fixture(scope="module")
def namespace_of(tmp_path_factory):
    """What the snippets of a file leave behind, run once in a namespace and a folder of its own."""

    @functools.cache
    def run(name: str) -> dict:
        text = "\n".join(blocks(name, "python"))
        for size, smaller in SIZES.get(name, {}).items():
            assert text.count(size) == 1, f"{size!r} is not once in the snippets of {name}"
            text = text.replace(size, smaller)
        names: dict = {"__name__": "docs"}
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tmp_path_factory.mktemp("docs"))
            patch.setattr(_solve, "default_network", cheap_network)
            patch.setattr(_solve, "default_method", cheap_method)
            cache = jax.config.jax_compilation_cache_dir
            try:
                exec(compile(text, name, "exec"), names)
            finally:  # a folder of this test, of which later ones know nothing
                jax.config.update("jax_compilation_cache_dir", cache)
                reset_cache()
            names["files"] = {path.name for path in Path.cwd().iterdir()}
        return names

    return run


# The pages of examples come from scripts, which test_examples.py runs.
SNIPPETS = [name for name in with_blocks("python") if not name.startswith("docs/examples/")]


@pytest.mark.parametrize("name", SNIPPETS)
def test_snippets_run(name, namespace_of):
    namespace_of(name)


def test_the_readme_leaves_what_it_says(namespace_of):
    names = namespace_of("README.md")
    assert names["files"] == {"advection.png", "advection.nivp", "rod.nivp"}
    assert names["solution"].result == names["reaction"].result == "successful"
    assert names["solution"](0.15, names["x"]).shape == (1,)
    assert min(names["solution"].seconds.values()) >= 0
    assert names["reaction"].problem is names["rod"]


def test_the_solve_spelled_out_restarts(namespace_of):
    solution = namespace_of("docs/method.md")["solution"]
    assert solution.result == "successful"
    assert [fit["t"] for fit in solution.fits] == [0.0, 0.25]


def test_the_failure_is_one(namespace_of):
    assert namespace_of("docs/reliability.md")["solution"].result == "max_steps_reached"


def test_metrics_are_those_of_the_table(namespace_of):
    table = TEXTS["docs/command_line.md"].split("| Key | Value |")[1].split("\n\n")[0]
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| `")]
    solution = namespace_of("README.md")["reaction"]
    written = metrics(solution, None, seed=0, points=1, device="cpu", versions={})
    assert [key for keys, _ in rows for key in re.findall(r"`(\w+)`", keys)] == list(written)
    for keys, value in rows:
        inner = written[re.findall(r"`(\w+)`", keys)[0]]
        if isinstance(inner, dict) and inner:
            assert re.findall(r"`(\w+)`", value.split(":")[-1]) == list(inner)


def test_rooms_are_those_of_the_table():
    table = TEXTS["docs/design.md"].split("| Rooms | Content |")[1].split("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    rooms = [set(re.findall(r"`([\w.]+)`", row)) for row in reversed(rows)]
    assert rooms == [names for names in ROOMS if names != {""}]  # the top level has no row


LINES = [line for name in FILES for block in blocks(name, "console") for line in block.splitlines()]


@pytest.mark.parametrize("line", LINES)
def test_commands_are_valid(line, monkeypatch):
    """Every command parses, and the config that it would run can be made."""
    monkeypatch.chdir(ROOT)
    program, *arguments = shlex.split(line)
    assert program == ".venv/bin/neural-ivp"
    parsed = make_parser().parse_args(arguments)
    if getattr(parsed, "config", None):
        if parsed.config.endswith(".py"):
            return
        config = make_config(read_table(config_path(parsed.config), parsed.set))
        assert np.all(np.isfinite(config.ts))


def test_configs_are_valid():
    for name in with_blocks("toml"):
        for block in blocks(name, "toml"):
            make_config(tomllib.loads(block))


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("name", FILES)
def test_links_and_files_exist(name):
    text, folder = TEXTS[name], (ROOT / name).parent
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (folder / path).resolve() if path else ROOT / name
        assert target.is_file(), link
        if anchor:
            prose = re.sub(r"^```.*?^```$", "", target.read_text(), flags=re.MULTILINE | re.DOTALL)
            headings = re.findall(r"^#+ (.*)$", prose, flags=re.MULTILINE)
            assert anchor in map(slug, headings), link
    for path in re.findall(r"(?:configs|benchmarks|docs|tests|neural_ivp)/[\w/]+\.\w+", text):
        assert (ROOT / path).exists(), path
    targets = set(re.findall(r"(?:^    |`)make ([\w-]+)", text, flags=re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert targets <= set(re.findall(r"^([\w-]+):", makefile, flags=re.MULTILINE))


@pytest.mark.parametrize("name", FILES)
def test_names_exist(name):
    """`nivp.x.y` in the text, and classes that stand there without their module."""
    code = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", TEXTS[name], flags=re.DOTALL))
    for path in {path for span in code for path in re.findall(r"\bnivp\.([\w.]*\w)", span)}:
        functools.reduce(getattr, path.split("."), nivp)  # raises for one that is not there
    rooms = [getattr(nivp, room) for room in ("linear", "networks", "problems", "evolution")]
    places = [nivp, *rooms, diffrax, builtins]
    for span in code:
        for word in re.findall(r"^([A-Z][a-z]\w*[A-Z]\w*)\b", span):
            assert any(hasattr(place, word) for place in places), word


def test_every_page_is_in_the_contents_and_the_navigation():
    pages = {path.removeprefix("docs/") for path in PAGES}
    linked = set(re.findall(r"\((\w+\.md)\)", TEXTS["docs/index.md"]))
    assert {page for page in pages if "/" not in page} == linked | {"index.md"}
    navigation = re.findall(r"(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), flags=re.MULTILINE)
    outside = {"benchmarks.md", "changelog.md", "contributing.md"}  # see docs/build.py
    assert set(navigation) == pages | outside
    assert len(navigation) == len(set(navigation))


def test_the_reference_has_every_public_name_once():
    entries = [
        found
        for name, text in TEXTS.items()
        if name.startswith("docs/api/")
        for found in re.findall(r"^::: neural_ivp\.([\w.]+)", text, flags=re.MULTILINE)
    ]
    names = ["solve" if entry == "solve.solve" else entry for entry in entries]
    assert len(names) == len(set(names))
    modules = {name for name in nivp.__all__ if isinstance(getattr(nivp, name), ModuleType)}
    assert set(nivp.__all__) - modules <= set(names)
    catalogue = nivp.catalogue.subclasses(nivp.problems.AbstractProblem)
    given = {"Problem", "SecondOrderProblem", "FokkerPlanck"}  # at the top level
    assert {f"problems.{name}" for name in set(catalogue) - given} <= set(names)
    assert {f"references.{name}" for name in nivp.references.__all__} <= set(names)


# Results of a solve, words that the code returns in several places.
ENDINGS = {"successful", "poor_fit", "max_steps_reached", "dt_min_reached", "step_not_solved"}
ENDINGS |= {"nonfinite", "out_of_memory", "interrupted"}


def test_troubleshooting_has_every_result_finding_and_warning():
    text = TEXTS["docs/troubleshooting.md"]
    rows = set(re.findall(r"^\| `(\w+)`", text, flags=re.MULTILINE))
    assert rows >= ENDINGS
    assert {name for name in nivp.__all__ if name.endswith(("Warning", "Error"))} <= rows
    results = (ROOT / "neural_ivp/linear/numerics/_results.py").read_text()
    assert set(re.findall(r"^    (\w+) = \($", results, flags=re.MULTILINE)) <= rows
    findings = (ROOT / "neural_ivp/diagnostics/_findings.py").read_text()
    found = set(re.findall(r"""^ +f?"([a-z ]+): """, findings, flags=re.MULTILINE))
    assert found == set(re.findall(r"^### ([a-z ]+): ", text, flags=re.MULTILINE))


def test_the_readme_is_one_page():
    assert TEXTS["README.md"].count("\n") <= 110
