"""A complete run: the arguments of `solve` and the table of them with all defaults."""

import inspect
import itertools
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, cast

import jax
import numpy as np
import tomli_w
from jaxtyping import PRNGKeyArray

from ..catalogue import arguments
from ..defaults import default_method, default_network, solve_keys
from ..domains import Euclidean
from ..errors import InputError, check_count
from ..evolution import NeuralIVP
from ..networks import (
    AbstractNetwork,
    ConstantStart,
    FourierSeries,
    GaussianFrame,
    LinearCombination,
    RidgeSum,
    SinusoidalMLP,
    WithVelocity,
)
from ..problems import AbstractProblem
from ._file import merge, read_table
from ._parts import build_part, check_arguments, describe_part, dotted
from ._values import alternatives, check_keys, check_value, plain_type

_SECTIONS = ("extends", "seed", "dtype", "problem", "time", "network", "method")
_TIME = ("start", "end", "num_saves", "saves")
# Classes for `[network]`; the wrappers around them follow from the problem.
_NETWORKS = {"SinusoidalMLP": SinusoidalMLP, "FourierSeries": FourierSeries}
# Arguments of the network that follow from other entries of the config.
_ELSEWHERE = {
    "domain": "`problem.domain`",
    "dimension": "`problem`",
    "components": "`problem`",
    "dtype": "`dtype`",
}


@dataclass(frozen=True)
class RunConfig:
    """Everything that a run depends on.

    - `problem`, `network`, `method`, `ts`: arguments of `solve`; the network is the default one of
      `solve` with the same key.
    - `seed`: of `key`, for all random choices.
    - `dtype`: "float32" or "float64", of the solve.
    - `resolved`: the table with all defaults, from which `make_config` makes the same run; empty
      for a run that no table describes.
    """

    problem: AbstractProblem
    network: AbstractNetwork
    method: NeuralIVP
    ts: np.ndarray
    seed: int
    dtype: str
    resolved: dict[str, Any]

    @property
    def key(self) -> PRNGKeyArray:
        """The key for `solve`."""
        return jax.random.key(self.seed)

    def toml(self) -> str:
        """`resolved` as the text of a file."""
        return tomli_w.dumps(self.resolved)


def load_config(path: str | os.PathLike, overrides: Iterable[str] = ()) -> RunConfig:
    """Read a config file; see `read_table` for the arguments.

    **Raises:** `InputError` with the dotted path of what is wrong. A run in float64 needs
    `jax.config.update("jax_enable_x64", True)` before this call (the command line does it).
    """
    return make_config(read_table(path, overrides))


def make_config(table: dict[str, Any]) -> RunConfig:
    """The run that a table describes. **Raises:** as `load_config`."""
    check_keys(table, _SECTIONS, "", "a config")
    if "extends" in table:
        raise InputError("`extends` is allowed only in a config file")
    seed, dtype = check_value(table.get("seed", 0), int, "seed"), dtype_of(table)
    if not 0 <= seed < 2**32:
        raise InputError(f"`seed` must lie between 0 and 2**32 - 1, got {seed}")
    for section in ("problem", "time"):
        if section not in table:
            raise InputError(f"`{section}` is missing: add a table [{section}]")
    problem = build_part(table["problem"], AbstractProblem, "problem")
    ts, time = _times(table["time"])
    # The same parameters as those of the default network of `solve`.
    network_key, _, _ = solve_keys(jax.random.key(seed))
    network, options = _network(table.get("network", {}), problem, dtype, network_key)
    method, choices = _method(table.get("method", {}), problem, network)
    resolved = {
        "seed": seed,
        "dtype": dtype,
        "problem": describe_part(problem, table["problem"], "problem"),
        "time": time,
        "network": options,
        "method": choices,
    }
    return RunConfig(problem, network, method, ts, seed, dtype, resolved)


def dtype_of(table: dict[str, Any]) -> str:
    """The dtype of the run; float64 if not given."""
    return check_value(table.get("dtype", "float64"), Literal["float32", "float64"], "dtype")


def _times(table: Any) -> tuple[np.ndarray, dict[str, Any]]:
    """The times to save, with the start and the end; and the resolved table."""
    check_keys(table, _TIME, "time", "[time]")
    kinds = dict(start=float, end=float, num_saves=int, saves=list[float])
    given = {name: check_value(table[name], kinds[name], f"time.{name}") for name in table}
    if "saves" in given and "num_saves" in given:
        raise InputError("give `time.saves` or `time.num_saves`, not both")
    saves = given.get("saves")
    if "end" not in given and not saves:
        raise InputError("`time.end` is missing: the last time of the run")
    start = given.get("start", 0.0)
    end = given["end"] if "end" in given else cast(list, saves)[-1]
    if not end > start:
        raise InputError(f"`time.end` must lie after `time.start`, got {end} and {start}")
    if saves is None:
        count = given.get("num_saves", 11)
        with dotted("time", ["num_saves"]):
            check_count("num_saves", count, minimum=2)
        return np.linspace(start, end, count), {"start": start, "end": end, "num_saves": count}
    for before, after in itertools.pairwise(saves):
        if not after > before:
            raise InputError(f"`time.saves` must increase, got {after} after {before}")
    outside = [t for t in saves if not start <= t <= end]
    if outside:
        raise InputError(f"`time.saves` must lie between {start} and {end}, got {outside[0]}")
    ts = sorted({start, *saves, end})
    return np.asarray(ts), {"start": start, "end": end, "saves": ts}


def _network(
    table: Any, problem: AbstractProblem, dtype: str, key: PRNGKeyArray
) -> tuple[AbstractNetwork, dict[str, Any]]:
    density = isinstance(problem.domain, Euclidean)
    kind = _network_class(table, density)
    known = {name: p for name, p in arguments(kind).items() if name not in _ELSEWHERE}
    for name in table:
        if name in _ELSEWHERE:
            raise InputError(f"`network.{name}` follows from {_ELSEWHERE[name]}: leave it out")
    check_arguments(table, known, "network", kind.__name__)
    options = {
        name: _network_option(kind, known[name], value)
        for name, value in table.items()
        if name != "name"
    }
    with dotted("network", known):
        choice: dict[str, Any] = {} if density else {"kind": kind}
        network = default_network(problem, **choice, key=key, dtype=dtype, **options)
    inner = network
    while isinstance(inner, ConstantStart | GaussianFrame | LinearCombination | WithVelocity):
        inner = inner.inner
    resolved = describe_part(inner, {}, "network")
    return network, {name: resolved[name] for name in ("name", *known)}


def _network_class(table: Any, density: bool) -> type[AbstractNetwork]:
    check_keys(table, table, "network", "[network]")  # only that it is a table
    if density:  # on top of normal densities
        check_value(table.get("name", "RidgeSum"), Literal["RidgeSum"], "network.name")
        return RidgeSum
    name = table.get("name", "SinusoidalMLP")
    return _NETWORKS[check_value(name, Literal["SinusoidalMLP", "FourierSeries"], "network.name")]


def _network_option(kind: type, parameter: inspect.Parameter, value: Any) -> Any:
    """A checked value; of a size that may be a list of sizes, each entry is checked."""
    path = f"network.{parameter.name}"
    if int not in alternatives(parameter.annotation):
        return check_value(value, plain_type(kind, parameter), path)
    if isinstance(value, list) and len(alternatives(parameter.annotation)) > 1:
        return [check_value(entry, int, f"{path}.{k}") for k, entry in enumerate(value)]
    return check_value(value, int, path)


def _method(
    table: Any, problem: AbstractProblem, network: AbstractNetwork
) -> tuple[NeuralIVP, dict[str, Any]]:
    """The default method updated by the table, and the resolved table."""
    check_keys(table, arguments(NeuralIVP), "method", "[method]")
    integrator = table.get("integrator", {})
    options = {}
    if isinstance(integrator, dict) and "rtol" in integrator:
        # The default damping, atol and tolerance of the fit follow from rtol.
        options["rtol"] = check_value(integrator["rtol"], float, "method.integrator.rtol")
    with dotted("method.integrator", ["rtol"]):
        default = describe_part(default_method(problem, network, **options), {}, "method")
    default.pop("name")
    other = _name(table.get("velocity_solver")) not in (None, "LandmarkSubspace")
    if other and _name(default["integrator"]["solver"]) == "Rodas4":  # it needs that one
        default["integrator"]["solver"] = "SDIRK4"
    merged = merge(default, table, "method")
    method = build_part(merged, NeuralIVP, "method")
    resolved = describe_part(method, merged, "method")
    resolved.pop("name")
    return method, resolved


def _name(part: Any) -> Any:
    """The class that a table or a name describes."""
    return part.get("name") if isinstance(part, dict) else part
