"""The environment of a run: versions, machine and precision."""

import contextlib
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax

_PACKAGES = ("neural-ivp", "jax", "jaxlib", "equinox", "diffrax", "lineax", "optax", "numpy")


def versions() -> dict[str, str]:
    """Versions of Python and the packages that a result depends on."""
    table = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            version = "not installed"  # used from its source folder
        table[package.replace("-", "_")] = version
    return table


def device() -> str:
    """The kind of the device that JAX uses, e.g. "cpu" or "NVIDIA H200"."""
    return jax.devices()[0].device_kind


def environment(dtype: str, arguments: list[str]) -> dict[str, Any]:
    """The contents of `environment.json`."""
    return {
        "versions": versions(),
        "platform": platform.platform(),
        "backend": jax.default_backend(),
        "device": device(),
        "device_count": jax.device_count(),
        "cores": os.cpu_count(),
        "dtype": dtype,
        "arguments": arguments,
        "git_commit": _git_commit(),
    }


def keep_compiled_functions() -> None:
    """Keep compiled functions in the user's cache folder, for later runs of the command line.

    `JAX_COMPILATION_CACHE_DIR` names another folder; `JAX_ENABLE_COMPILATION_CACHE=0` keeps none.
    """
    if jax.config.jax_compilation_cache_dir is None:  # pyright: ignore[reportAttributeAccessIssue]
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        jax.config.update("jax_compilation_cache_dir", str(Path(home) / "neural_ivp"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.05)


@contextlib.contextmanager
def precision(dtype: str) -> Iterator[None]:
    """JAX in the 64-bit or 32-bit mode of a dtype, for all arrays made inside the block."""
    before = jax.config.read("jax_enable_x64")
    jax.config.update("jax_enable_x64", dtype == "float64")
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", before)


def _git_commit() -> str | None:
    """The commit of the package's checkout, "-dirty" if files differ from it."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None  # an installed package; a surrounding repository is another project's
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        # Without tags, the output is the commit.
        done = subprocess.run([*command, "--exclude=*"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
