"""Where the rows of a benchmark come from: command, date, commit, machine, versions, precision."""

import contextlib
import datetime
import importlib.metadata
import os
import platform
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Environment variables that change what a command computes or how fast.
SETTINGS = ("JAX_", "XLA_", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def provenance(in_process: bool = True) -> dict:
    """The provenance of this process and machine.

    - `in_process`: whether JAX computes in this process; its default dtype and device are then
      included. A script whose children compute must not ask JAX, which would take the accelerator.
    """
    record = {
        "command": command(),
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(),
        "machine": machine(),
        "versions": {"python": platform.python_version()}
        | {package: importlib.metadata.version(package) for package in ("jax", "jaxlib")},
    }
    if in_process:
        import jax
        import jax.numpy as jnp

        record["dtype"] = str(jnp.result_type(float))
        record["device"] = jax.devices()[0].device_kind
    return record


def command() -> str:
    """The command line, with the settings in the environment before it."""
    settings = [f"{k}={v}" for k, v in sorted(os.environ.items()) if k.startswith(SETTINGS)]
    script = Path(sys.argv[0]).resolve()
    name = script.relative_to(ROOT) if script.is_relative_to(ROOT) else script
    return shlex.join([*settings, "python", str(name), *sys.argv[1:]])


def commit() -> str:
    """What the variable COMMIT says of a copy of a checkout, else the commit of this one."""
    described = _output("git", "-C", str(ROOT), "describe", "--always", "--dirty")
    return os.environ.get("COMMIT", described or "unknown")


def machine() -> dict:
    """Processor, cores that this process may use, memory in GiB, and accelerators."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    record = {"processor": processor(), "cores": cores, "memory_gib": round(memory)}
    names = _output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader").splitlines()
    if names:
        counts = Counter(name.strip() for name in names).items()
        record["accelerator"] = ", ".join(f"{n} x {name}" if n > 1 else name for name, n in counts)
    return record


def processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _output(*arguments: str) -> str:
    """What a program prints, "" where it is missing or fails."""
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
