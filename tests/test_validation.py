"""The long validation table: whole runs from the configs (`make validate`), one line each."""

import json

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
