"""What a run ran on: versions, machine, precision."""

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
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            version = "not installed"  # used from its source folder
        found[package.replace("-", "_")] = version
    return found


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


@contextlib.contextmanager
def precision(dtype: str) -> Iterator[None]:
    """JAX in 64-bit or 32-bit mode inside the block: the mode that the dtype needs.

    Entered before anything is built, since arrays keep the type that they were made with.
    """
    before = jax.config.read("jax_enable_x64")
    jax.config.update("jax_enable_x64", dtype == "float64")
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", before)


def _git_commit() -> str | None:
    """The commit of the package's own checkout, "-dirty" if files differ from it."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None  # installed; a repository that surrounds the installation is not ours
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        # No tag is to stand for the commit.
        done = subprocess.run([*command, "--exclude=*"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
