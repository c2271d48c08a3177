"""The long validation table: whole runs (`make validate`), one line each."""

import importlib
import json
from pathlib import Path

import pytest

from neural_ivp.cli import main

# Config and the largest relative L2 error at the last time that it may have.
TABLE = [
    ("advection_2d", 1e-2),
    ("heat_2d", 1e-3),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "bound"), TABLE, ids=[name for name, _ in TABLE])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_config_meets_its_error(name, bound, seed, tmp_path):
    out = tmp_path / name
    arguments = ["run", f"configs/{name}.toml", "--quiet", "--seed", str(seed), "--out", str(out)]
    assert main(arguments) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    last, seconds = metrics["relative_l2_error"][-1], metrics["wall_seconds"]["total"]
    print(f"\n{name} seed {seed}: error {last:.2e} (bound {bound:.0e}), {seconds:.0f} s")
    assert last <= bound


# Problems of `benchmarks/boundary.py`, the largest relative L2 error at a saved time after the
# first, and that of the residual of conditions that do not hold by construction.
BOUNDARY = [
    ("robin_slab", 1e-3, 1e-3),
    ("reflected_walk", 1e-5, 0.0),
    ("fisher_front", 1e-5, 0.0),
    ("fisher_mistake", 1e-5, 0.0),
    ("disc", 1e-4, 0.0),
]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::neural_ivp.BoundaryWarning")
@pytest.mark.parametrize(("name", "bound", "residual"), BOUNDARY, ids=[row[0] for row in BOUNDARY])
def test_conditions_at_the_boundary_meet_their_error(name, bound, residual, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    row = importlib.import_module("boundary").default_solve(name, 0)
    print(f"\n{name}: error {row['largest']:.2e} (bound {bound:.0e}), {row['seconds']:.0f} s")
    assert row["result"] == "successful"
    assert row["largest"] <= bound and row["boundary"] <= residual
