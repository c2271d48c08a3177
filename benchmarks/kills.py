"""Kill a run of the command line with SIGKILL at random moments, resume it, and compare the bits.

    .venv/bin/python benchmarks/kills.py [--kills 20] [--config FILE] [--seed 0] [--json FILE]

The run of CONFIG has an iterative solver with proximal damping, a sampler with a state, and
restarts, so that every part of the state has to survive. Exits with 1 unless parameters,
velocities, record and fits are those of a run that was left alone.
"""

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
from records import Records, parser

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
[method.velocity_solver]
name = "ProximalDamping"
[method.velocity_solver.inner]
name = "RidgeCG"
damping = 1e-7
rebuild = "step"
preconditioner = { name = "Nystrom", rank = 40 }
"""
COMMAND = [sys.executable, "-m", "neural_ivp_cli"]


def checkpoint(folder: Path):
    """When the checkpoint was last written, None without one."""
    path = folder / "checkpoint.nivp"
    return path.stat().st_mtime_ns if path.exists() else None


def next_command(folder: Path, fresh: list[str]) -> list[str]:
    """The command that resumes the run, or begins it anew where there is no checkpoint."""
    if checkpoint(folder) is not None:
        return [*COMMAND, "resume", "--quiet", str(folder)]
    shutil.rmtree(folder, ignore_errors=True)
    return [*fresh, str(folder)]


def killed(folder: Path, fresh: list[str], rng: random.Random, longest: float) -> bool:
    """Start or resume the run and kill it; False if it had ended before."""
    before, command = checkpoint(folder), next_command(folder, fresh)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if rng.random() < 0.2:
        time.sleep(rng.uniform(0, 6))
    else:
        while checkpoint(folder) == before and process.poll() is None:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, longest))
    process.kill()
    return process.wait() == -9


def identical(a, b) -> bool:
    """Whether two solutions agree bit for bit."""
    pairs = [(a.parameters, b.parameters)]
    pairs += [(a.record[name], values) for name, values in b.record.items()]
    for left, right in zip(a.segments, b.segments, strict=False):
        parts = ("ts", "theta", "left", "right")
        pairs += [(getattr(left, part), getattr(right, part)) for part in parts]
    equal = all(np.array_equal(x, y, equal_nan=True) for x, y in pairs)
    return equal and a.fits == b.fits and len(a.segments) == len(b.segments)


def kills(nivp, records, options) -> bool:
    """A run of the command line, killed and resumed, against the same run left alone: a fifth of
    the kills fall anywhere after the start of a process, the others into the time stepping.
    """
    rng, places, count = random.Random(options.seed), set(), 0
    with tempfile.TemporaryDirectory() as root:
        config = options.config or Path(root, "config.toml")
        if options.config is None:
            config.write_text(CONFIG)
        whole, broken = Path(root, "whole"), Path(root, "broken")
        fresh = [*COMMAND, "run", "--quiet", str(config), "--checkpoint-every", "5", "--out"]
        subprocess.run([*fresh, str(whole)], check=True, stdout=subprocess.DEVNULL)
        seconds = json.loads((whole / "metrics.json").read_text())["wall_seconds"]["evolve"]
        longest = 1.2 * seconds / max(options.kills, 1)
        while count < options.kills and killed(broken, fresh, rng, longest):
            count += 1
            if checkpoint(broken) is not None:
                header = (broken / "checkpoint.nivp").open("rb").readline()
                places.add(json.loads(header)["t"])
        if not (broken / "solution.nivp").exists():
            subprocess.run(next_command(broken, fresh), check=True, stdout=subprocess.DEVNULL)
        reference, resumed = (nivp.load(folder / "solution.nivp") for folder in (whole, broken))
        equal = identical(resumed, reference)
    records.add(
        "kills",
        seed=options.seed,
        attempted_steps=len(reference.record["t0"]),
        restarts=len(reference.fits) - 1,
        kills=count,
        checkpoints_resumed_from=len(places),
        bits="the same" if equal else "NOT the same",
    )
    return equal


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--kills", type=int, default=20)
    arguments.add_argument("--config", type=Path)
    arguments.add_argument("--seed", type=int, default=0)
    options = arguments.parse_args()
    jax.config.update("jax_enable_x64", True)
    import neural_ivp as nivp

    # The children compute: JAX must not take the memory of a GPU in this process.
    records = Records(options.json, {"kills": kills}, in_process=False)
    equal = kills(nivp, records, options)
    print(records.table())
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
