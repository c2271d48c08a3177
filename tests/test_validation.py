"""The long validation table: whole runs (`make validate`), one line each."""

import importlib
import json
from pathlib import Path

import pytest

from neural_ivp_cli import main

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


# Problems of `benchmarks/zoo.py`: the tolerance, the largest relative L2 error over all saved times
# (after the first, where that contradicts the boundary), and CPU seconds, which are printed only.
ZOO = [
    ("allen_cahn_1d", 1e-6, 1e-6, 40),
    ("burgers_1d", 5e-7, 1e-5, 60),
    ("burgers_sine", 5e-7, 2e-6, 60),
    ("kdv_1d", 1e-4, 1e-2, 100),
    ("schroedinger_1d", 5e-6, 1e-4, 90),
    ("nls_2sech", 1e-5, 1e-3, 150),
    ("maxwell_pulse", 1e-5, 1e-3, 150),
    ("gray_scott_1d", 1e-5, 1e-3, 200),
    ("cahn_hilliard", 1e-5, 1e-3, 300),
    ("reaction_diffusion", 1e-5, 1e-4, 60),
    ("vlasov_1d1v", 5e-6, 5e-4, 200),
    ("allen_cahn_2d", 1e-5, 1e-4, 150),
    ("heat_2d_periodic", 1e-6, 1e-5, 150),
    ("burgers_2d", 5e-6, 3e-4, 150),
    ("advection_2d", 1e-6, 1e-4, 120),
    ("klein_gordon_1d", 1e-6, 1e-5, 40),
    ("wave_string", 1e-6, 1e-5, 60),
    ("wave_string_10", 1e-6, 1e-4, 300),
    ("pulse_circle", 1e-5, 1e-2, 300),
    ("beam", 1e-5, 1e-3, 200),
    ("wave_2d", 1e-5, 2e-3, 400),
    ("robin_slab", 1e-5, 1e-3, 150),
    ("reflected_walk", 1e-5, 1e-5, 150),
    ("fisher_front", 1e-5, 1e-5, 150),
    ("fisher_mistake", 1e-5, 1e-5, 150),
    ("inlet", 1e-5, 1e-4, 150),
    ("moving_dirichlet", 1e-5, 1e-5, 300),
    ("channel", 1e-5, 1e-4, 300),
    ("disc", 1e-5, 1e-4, 300),
    ("annulus", 1e-5, 1e-4, 300),
    ("plume", 1e-4, 1e-2, 300),
]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::neural_ivp.BoundaryWarning", "ignore::neural_ivp.FitWarning")
@pytest.mark.parametrize(("name", "rtol", "bound", "target"), ZOO, ids=[row[0] for row in ZOO])
def test_the_default_meets_its_error(name, rtol, bound, target, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    zoo = importlib.import_module("zoo")
    row = zoo.solve(name, "default", rtol, 0, 10 * target)
    error = row["largest" if name in zoo.boundary.PROBLEMS else "overall"]
    cost = f"{row['cpu_seconds']:.0f} CPU s (target {target})"
    print(f"\n{name}: error {error:.2e} (bound {bound:.0e}), {cost}")
    assert row["result"] == "successful"
    assert error <= bound
    assert row["held_out"] <= 2 * row["residual"]
