"""Memory of compiled functions, known from the compiler before they run."""

import os
from collections.abc import Callable
from typing import Any

import jax

from .errors import InputError

# Files in which Linux says how much memory a container may use.
_CONTAINER_LIMITS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)


def memory_of(function: Callable[..., Any], *arguments: Any) -> int:
    """Bytes that a function of `neural_ivp.precision.compiled` takes on each device.

    They are those of arguments, results and everything that is stored between them. The function is
    compiled, which the first call with these arguments then need not repeat, and not run.
    """
    found = function.lower(*arguments).compile().compiled.memory_analysis()  # pyright: ignore
    held = found.argument_size_in_bytes + found.output_size_in_bytes - found.alias_size_in_bytes
    return held + found.temp_size_in_bytes


def memory_limit() -> int | None:
    """Bytes of memory of the default device; of a CPU those of the machine or of the container.
    None where it is unknown."""
    device = jax.devices()[0]
    if device.platform != "cpu":
        return (device.memory_stats() or {}).get("bytes_limit")
    try:
        limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    except (AttributeError, ValueError, OSError):  # not on every system
        return None
    for name in _CONTAINER_LIMITS:
        try:
            with open(name, encoding="ascii") as file:
                limits.append(int(file.read()))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return min(limits)


def excess(needed: int, what: str, remedy: str) -> str:
    """A sentence if the device has less memory than needed; empty if it has enough."""
    limit = memory_limit()
    if limit is None or needed <= limit:
        return ""
    return (
        f"{what} needs {gigabytes(needed)} of memory, and the device has {gigabytes(limit)}: "
        f"{remedy}"
    )


def check_memory(needed: int, what: str, remedy: str) -> None:
    """**Raises:** `InputError` if the device has less memory than needed."""
    if message := excess(needed, what, remedy):
        raise InputError(message)


def gigabytes(count: int) -> str:
    return f"{count / 1e9:.3g} GB"
