"""examples/: the scripts run, what they name exists, and the pages made of them are current.

`SIZES` makes the numbers in their text small; where they leave network and method to the library,
`cheap_network` and `cheap_method` make those of the default small. Accuracy is not tested here.
"""

import functools
import importlib.util
import re
from pathlib import Path

import matplotlib as mpl
import pytest

import neural_ivp as nivp
from neural_ivp.solve import _solve

from .test_docs import cheap_method, cheap_network

ROOT = Path(__file__).parents[1]
EXAMPLES = {path.stem: path for path in sorted((ROOT / "examples").glob("*.py"))}
LONGEST = 120  # lines
SLOW = ("conditioning", "density_8d", "own_equation", "wave")  # the most expensive ones

# Each must occur in the script exactly once, so that none is forgotten.
SIZES = {
    "quickstart": {
        "linspace(0, 4, 9)": "linspace(0, 0.1, 2)",
        "solution(1.23": "solution(0.05",
        "field(1.23)": "field(0.05)",
    },
    "own_equation": {
        "linspace(0, 1, 6)": "linspace(0, 0.1, 2)",
        "solution(0.5, x[0])": "solution(0.05, x[0])",
    },
    "wave": {
        "linspace(0, 2, 21)": "linspace(0, 0.02, 3)",
        "(0, 6, 10, 14, 20)": "(0, 2)",
        "num_frames=40": "num_frames=2",
    },
    "density_8d": {
        "DIMENSION = 8": "DIMENSION = 2",
        "linspace(0, 4, 9)": "linspace(0, 0.1, 2)",
        "t = 4.0\n": "t = 0.1\n",
        "linspace(0, 3, 7)": "linspace(0, 0.1, 2)",
        "(0.0, 1.0, 3.0)": "(0.0, 0.1)",
        "sample(3.0, 20_000": "sample(0.1, 100",
        "marginal(3.0, ": "marginal(0.1, ",
    },
    "stiffness": {
        "QuasiMonteCarlo(200)": "QuasiMonteCarlo(20)",
        "fourier(16)": "fourier(2)",
        "range(200)": "range(5)",
        "(2, 4, 8, 16)": "(2,)",
        "width=12, depth=2": "width=6, depth=1",
        "[0, 1, 2]": "[0, 0.01]",
        "(1e-4, 1e-6, 1e-8)": "(1e-4,)",
    },
    "conditioning": {
        "linspace(0, 4, 9)": "linspace(0, 0.02, 2)",
        "width=8, depth=3": "width=6, depth=1",
        "steps=1_000": "steps=20",
        "ImportanceSampling(500)": "ImportanceSampling(100)",
        "low_discrepancy_points(1_000)": "low_discrepancy_points(50)",
        "plain, (0.0, 1.0, 4.0)": "plain, (0.0,)",
        "restarted, (0.0, 1.0, 4.0)": "restarted, (0.02,)",
        "every=1.0": "every=0.01",
        "times > 3": "times >= 0",
    },
}


@pytest.mark.parametrize(
    "name", [pytest.param(k, marks=[pytest.mark.slow] * (k in SLOW)) for k in EXAMPLES]
)
def test_examples_run(name, tmp_path, monkeypatch):
    text = EXAMPLES[name].read_text(encoding="utf-8")
    for size, smaller in SIZES[name].items():
        assert text.count(size) == 1, f"{size!r} is not once in {name}"
        text = text.replace(size, smaller)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_solve, "default_network", cheap_network)
    monkeypatch.setattr(_solve, "default_method", cheap_method)
    mpl.use("agg")
    import matplotlib.pyplot as plt

    exec(compile(text, name, "exec"), {"__name__": "example"})
    plt.close("all")
    written = set(re.findall(r'"(\w+\.(?:png|gif|nivp))"', text))
    assert written and written == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_short_and_names_exist(name):
    text = EXAMPLES[name].read_text(encoding="utf-8")
    assert text.count("\n") <= LONGEST
    for path in set(re.findall(r"\bnivp\.([\w.]*\w)", text)):
        functools.reduce(getattr, path.split("."), nivp)  # raises for one that is not there
    for method in re.findall(r"\bsolution\.(\w+)\(", text):
        assert hasattr(nivp.Solution, method), method


@pytest.mark.parametrize("name", EXAMPLES)
def test_pages_are_of_the_scripts(name):
    """Otherwise run `make examples`."""
    place = ROOT / "docs" / "render_examples.py"
    spec = importlib.util.spec_from_file_location("render_examples", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (ROOT / "docs" / "examples" / f"{name}.md").read_text(encoding="utf-8")
    assert page.splitlines()[0] == module.stamp(name)
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", page):
        assert (ROOT / "docs" / "examples" / picture).is_file()
