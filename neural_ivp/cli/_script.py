"""A Python script of the user as a run: it defines `problem` and `ts`.

A script is code and is executed, also from the copy in its run folder. Only a name that ends in .py
on the command line, or a run folder that holds `script.py`, leads here; no other file is executed.
"""

import sys
import traceback
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ..config import RunConfig
from ..defaults import default_method, default_network, solve_keys
from ..errors import InputError, check_kind, check_positive, finite_array
from ..evolution import NeuralIVP, with_velocity
from ..networks import AbstractNetwork, flatten
from ..problems import AbstractProblem, check_problem

_KINDS = {"problem": AbstractProblem, "network": AbstractNetwork, "method": NeuralIVP}
_NEEDED = ("problem", "ts")


@dataclass(frozen=True)
class Script:
    """What a script defines; None for what it leaves to the library."""

    text: str
    problem: AbstractProblem
    ts: np.ndarray
    network: AbstractNetwork | None
    method: NeuralIVP | None
    rtol: float | None
    seed: int

    def config(self) -> RunConfig:
        """The run, with the network and method of `solve` where the script has none."""
        check_problem(self.problem)
        key = jax.random.key(self.seed)
        network = self.network
        if network is None:
            network = default_network(self.problem, key=solve_keys(key)[0])
        network = with_velocity(self.problem, network)
        method = self.method
        if method is None:
            method = default_method(self.problem, network, rtol=self.rtol)
        dtype = str(flatten(network)[0].dtype)
        return RunConfig(self.problem, network, method, self.ts, self.seed, dtype, {})


def execute(path: Path) -> Script:
    """Execute a script and collect what it defines. JAX is to be in its 64-bit mode.

    **Raises:** `InputError` for a missing file, an error in the script, with its line, or a
    definition that is missing or of another kind.
    """
    shown = repr(str(path))
    if not path.is_file():
        raise InputError(f"there is no file {shown}")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{shown} is not a text in UTF-8: {error}") from error
    names = _names(path, text)
    for name in _NEEDED:
        if name not in names:
            raise InputError(f"{shown} must define `{name}`: `problem = ...` and `ts = [...]`")
    for name, kind in _KINDS.items():
        if names.get(name) is not None:
            check_kind(name, names[name], kind)
    rtol, seed = names.get("rtol"), names.get("seed", 0)
    if rtol is not None:
        check_positive("rtol", rtol)
        if names.get("method") is not None:
            raise InputError("`rtol` is that of the default method: leave out `rtol` or `method`")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise InputError(f"`seed` must be an integer between 0 and 2**32 - 1, got {seed!r}")
    ts = finite_array("ts", names["ts"])
    return Script(text, names["problem"], ts, names.get("network"), names.get("method"), rtol, seed)


def _names(path: Path, text: str) -> dict[str, Any]:
    """The names that a script leaves behind.

    `__name__` is not "__main__" in it: what it does only as a program is not done.
    """
    module = types.ModuleType("neural_ivp_script")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where dataclasses look for the names of their types
    try:
        exec(compile(text, str(path), "exec"), module.__dict__)
    except SyntaxError as error:
        place = f"{str(path)!r}, line {error.lineno}"
        raise InputError(f"{place}: {error.msg}") from error
    # SystemExit: by `sys.exit` a script would end this program before anything is solved.
    except (Exception, SystemExit) as error:
        lines = [
            f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)
        ]
        message = (
            str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        )
        place = f"{str(path)!r}, line {lines[-1]}" if lines else repr(str(path))
        raise InputError(f"{place}: {message}") from error
    return module.__dict__
