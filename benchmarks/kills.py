"""Kill a run of the command line with SIGKILL at random moments, resume it, and compare the bits.

    .venv/bin/python benchmarks/kills.py [--kills 20] [--config FILE] [--seed 0]

The run has an iterative, anchored solver that keeps its preconditioner, and restarts, so that every
memory of the march has to survive. A fifth of the kills fall anywhere
after the start of a process, the others into the march. Exits with 1 unless parameters, velocities,
record and fits are those of a run that was left alone.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax
import numpy as np

CONFIG = """
seed = 3
[problem]
name = "Heat"
diffusivity = 0.02
domain = { name = "Torus", lengths = [1.0] }
[time]
end = 1.0
num_saves = 11
[network]
width = 12
depth = 2
[method]
sampler = { name = "ImportanceSampling", num_points = 300 }
integrator = { rtol = 1e-4, solver = "Tsit5" }
restart = { name = "PeriodicRestart", every = 0.3 }
fit = [{ name = "LastLayer", num_points = 500 }]
[method.velocity]
name = "ProximalDamping"
[method.velocity.inner]
name = "RidgeCG"
damping = 1e-7
rebuild = "needed"
preconditioner = { name = "Nystrom", rank = 40 }
"""
COMMAND = [sys.executable, "-m", "neural_ivp.cli", "run", "--quiet"]


def checkpoint(folder: Path):
    """When the checkpoint was last written, None without one."""
    path = folder / "checkpoint.nivp"
    return path.stat().st_mtime_ns if path.exists() else None


def onward(folder: Path, fresh: list[str]) -> list[str]:
    """The command that resumes the run, or begins it anew where there is no checkpoint."""
    if checkpoint(folder) is not None:
        return [*COMMAND, "--resume", str(folder)]
    shutil.rmtree(folder, ignore_errors=True)
    return [*fresh, str(folder)]


def killed(folder: Path, fresh: list[str], rng: random.Random, longest: float) -> bool:
    """Start or resume the run and kill it; False if it had ended before."""
    before, start = checkpoint(folder), onward(folder, fresh)
    process = subprocess.Popen(start, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if rng.random() < 0.2:
        time.sleep(rng.uniform(0, 6))
    else:
        while checkpoint(folder) == before and process.poll() is None:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, longest))
    process.kill()
    return process.wait() == -9


def same(got, wanted) -> bool:
    """Whether two solutions agree bit for bit."""
    pairs = [(got.parameters, wanted.parameters)]
    pairs += [(got.record[name], values) for name, values in wanted.record.items()]
    for a, b in zip(got.segments, wanted.segments, strict=False):
        pairs += [(getattr(a, part), getattr(b, part)) for part in ("ts", "theta", "left", "right")]
    equal = all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)
    return equal and got.fits == wanted.fits and len(got.segments) == len(wanted.segments)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    import neural_ivp as nivp

    rng, places = random.Random(options.seed), []
    with tempfile.TemporaryDirectory() as root:
        config = options.config or Path(root, "config.toml")
        if options.config is None:
            config.write_text(CONFIG)
        whole, broken = Path(root, "whole"), Path(root, "broken")
        fresh = [*COMMAND, str(config), "--checkpoint-every", "5", "--out"]
        subprocess.run([*fresh, str(whole)], check=True, stdout=subprocess.DEVNULL)
        seconds = json.loads((whole / "metrics.json").read_text())["wall_seconds"]["evolve"]
        kills = 0
        while kills < options.kills and killed(broken, fresh, rng, 1.2 * seconds / options.kills):
            kills += 1
            if checkpoint(broken) is not None:
                head = (broken / "checkpoint.nivp").open("rb").readline()
                places.append(json.loads(head)["t"])
        if not (broken / "solution.nivp").exists():
            subprocess.run(onward(broken, fresh), check=True, stdout=subprocess.DEVNULL)
        wanted, got = (nivp.load(folder / "solution.nivp") for folder in (whole, broken))
        equal = same(got, wanted)
    print(f"{len(wanted.record['t0'])} attempted steps, {len(wanted.fits) - 1} restarts")
    print(f"killed {kills} times; {len(set(places))} different checkpoints resumed from")
    print("bit for bit the same" if equal else "NOT the same")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
