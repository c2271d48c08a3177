"""Tests run in float64, with strict promotion and warnings as errors; the library does not care.

jaxtyping's annotations are checked at run time by beartype, in the tests only.
"""

import gc
import itertools
import os
from importlib.metadata import version
from pathlib import Path

# The machines have two cores and pytest-xdist starts two workers. What is compiled runs once, so
# optimising it does not pay; users' code is optimised, and so is `make demo`.
FLAGS = [
    "--xla_cpu_multi_thread_eigen=false",
    "--xla_backend_optimization_level=0",
    "--xla_llvm_disable_expensive_passes=true",
]
if version("jaxlib").startswith("0.10."):
    # Its newer emitters of fused loops take twice as long to compile as the older ones, which
    # jaxlib 0.11 does not have; it stops at an unknown flag.
    FLAGS.append("--xla_cpu_use_fusion_emitters=false")
    # One object file for each program: a third fewer memory maps, a twelfth less time.
    FLAGS.append("--xla_cpu_parallel_codegen_split_count=1")
os.environ.setdefault("XLA_FLAGS", " ".join(FLAGS))
# The command line would keep what it compiles in the user's folder.
os.environ.setdefault("JAX_ENABLE_COMPILATION_CACHE", "false")

import jax  # noqa: E402
import pytest  # noqa: E402

# Tracing makes many objects that live: collecting among them took a seventh of the time, and the
# places in the source that go into each program a twentieth.
gc.set_threshold(200_000, 50, 100)
jax.config.update("jax_traceback_in_locations_limit", 0)
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")

from jaxtyping import install_import_hook  # noqa: E402

from . import shape_checks  # noqa: E402

MAPS, TESTS = Path("/proc/self/maps"), itertools.count()


def pytest_addoption(parser):
    parser.addoption("--shapes", action="store_true", help="check annotated shapes at run time")


def pytest_configure(config):
    # Before anything imports the library. They take a fifth of the time: `make shapes`.
    if config.getoption("--shapes"):
        install_import_hook("neural_ivp", shape_checks.NAME)
    # In pyproject.toml it would import the library before that.
    config.addinivalue_line("filterwarnings", "ignore::neural_ivp.FitWarning")


@pytest.fixture(autouse=True)
def forget_compiled_functions():
    """Before their memory maps are too many: at Linux's limit of 65 530 the compiler crashes."""
    yield
    # Reading them takes some 30 milliseconds: at every tenth test, between which few are added.
    if next(TESTS) % 10 == 0 and MAPS.exists() and MAPS.read_bytes().count(b"\n") > 40_000:
        jax.clear_caches()
