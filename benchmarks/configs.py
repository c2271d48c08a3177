"""What `neural-ivp run` reaches on the configs, and what it costs.

    .venv/bin/python benchmarks/configs.py [NAME ...] [--dtype float32] [--seed N]
        [--set section.key=value ...] [--out DIR] [--json FILE]

Each config runs in a process of its own, on the device that JAX chooses there (JAX_PLATFORMS=cpu
for the processor of a GPU machine). Without a name all configs run but variants, whose names have
two underscores in a row. Prints a table and writes its rows to FILE as lines of JSON. Exits with 1
if a run ended early.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from provenance import ROOT
from records import Records, parser

CONFIGS = {path.stem: path for path in sorted((ROOT / "configs").glob("*.toml"))}


def configs(records, name, overrides, folder):
    """`neural-ivp run` of each config: relative L2 errors over all saved times, at the last one and
    of the fit of the initial value, against the exact solution or an independent reference.
    Wall and CPU seconds are of the whole process, with start and compilation; `evolve_seconds` are
    the wall seconds of the time steps.
    """
    command = [sys.executable, "-m", "neural_ivp_cli", "run", str(CONFIGS[name]), "--quiet"]
    if overrides:
        command += ["--set", *overrides]
    began, cpu = time.perf_counter(), children_cpu()
    done = subprocess.run(
        [*command, "--out", str(folder)], cwd=ROOT, capture_output=True, text=True
    )
    seconds, cpu = time.perf_counter() - began, children_cpu() - cpu
    # 2 is bad input, such as a folder that holds a run already.
    if done.returncode not in (0, 1) or not (folder / "metrics.json").is_file():
        raise SystemExit(f"{name}: exit code {done.returncode}\n{done.stderr}")
    metrics = json.loads((folder / "metrics.json").read_text())
    errors, steps = metrics["relative_l2_error"], metrics["evolution"]
    records.add(
        "configs",
        config=name,
        problem=metrics["problem"],
        p=metrics["parameters"],
        points=metrics["points"],
        dtype=metrics["dtype"],
        seed=metrics["seed"],
        result=metrics["result"],
        error_overall=metrics["relative_l2_error_overall"],
        error_end=None if errors is None else errors[-1],
        fit_error=metrics["fit"]["relative_l2_error"],
        t=metrics["times"][-1],
        steps=steps["accepted_steps"],
        rejected=steps["rejected_steps"],
        seconds=round(seconds, 1),
        cpu_seconds=round(cpu, 1),
        evolve_seconds=round(metrics["wall_seconds"]["evolve"], 1),
        device=metrics["device"],
    )
    return metrics["result"] == "successful"


def children_cpu() -> float:
    """CPU seconds (user and system) of the processes that this one has started and that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    arguments = parser(__doc__, CONFIGS)
    arguments.add_argument(
        "--dtype", choices=["float32", "float64"], help="instead of the config's"
    )
    arguments.add_argument("--seed", type=int, help="instead of the config's")
    arguments.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE")
    arguments.add_argument("--out", type=Path, help="keep the run folders here, by config")
    options = arguments.parse_args()
    overrides = list(options.set)
    if options.dtype is not None:
        overrides.append(f"dtype={options.dtype}")
    if options.seed is not None:
        overrides.append(f"seed={options.seed}")
    # The children compute: JAX must not take the memory of a GPU in this process.
    records = Records(options.json, {"configs": configs}, in_process=False)
    successes = []
    with tempfile.TemporaryDirectory() as temporary:
        parent = (options.out or Path(temporary)).resolve()
        for name in options.names or [name for name in CONFIGS if "__" not in name]:
            successes.append(configs(records, name, overrides, parent / name))
    print(records.table())
    return 0 if all(successes) else 1


if __name__ == "__main__":
    sys.exit(main())
