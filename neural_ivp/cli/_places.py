"""Where a class stands in a config, and a section of it as an example."""

from typing import Any

import diffrax as dfx

from ..catalogue import arguments, subclasses
from ..config import packaged_configs, toml
from ..errors import InputError
from ..linear import AbstractPreconditioner
from ..problems import AbstractProblem
from ._list import KINDS, NETWORKS, can_name

# Values of arguments that have no default, for an example.
EXAMPLES: dict[str, Any] = {
    "axes": [
        {"name": "Interval", "lower": 0.0, "upper": 1.0},
        {"name": "Periodic", "length": 2.0},
    ],
    "centre": [0.0, 0.0],
    "dimension": 2,
    "dt": 0.01,
    "every": 0.1,
    "inner": 0.5,
    "length": 2.0,
    "length_scale": 1.0,
    "lengths": [1.0, 1.0],
    "lower": [0.0, 0.0],
    "modes": 20,
    "num_points": 1000,
    "outer": 1.0,
    "radius": 1.0,
    "rank": 50,
    "rules": ["RestartOnResidual", "RestartOnConditioning"],
    "scales": [1.0],
    "solver": "SDIRK2",
    "upper": [1.0, 2.0],
}
_INNER = {"ProximalDamping": "RidgeCG", "RandomSubset": "RidgeCholesky"}
# Arguments of networks that follow from the problem.
_OF_THE_PROBLEM = ("domain", "components", "dimension", "dtype")


def place_of(cls: type) -> str:
    """The section of a config that names a class, as in `list`; empty for a part of a part."""
    if not can_name(cls):
        return ""
    return next((place for _, place, kind in KINDS if issubclass(cls, kind)), "")


def options_of(cls: type) -> dict[str, Any]:
    """The arguments of a class that a config gives, by name, with their parameters."""
    known = arguments(cls)
    if issubclass(cls, NETWORKS):
        return {name: p for name, p in known.items() if name not in _OF_THE_PROBLEM}
    return known


def example_table(cls: type) -> dict[str, Any] | None:
    """The smallest table that makes an object of a class; None if it is not known."""
    table: dict[str, Any] = {"name": cls.__name__}
    for name, parameter in options_of(cls).items():
        if parameter.default is parameter.empty:
            value = _INNER.get(cls.__name__) if name == "inner" else None
            value = EXAMPLES.get(name) if value is None else value
            if value is None:
                return None
            table[name] = value
    return table


def example_section(cls: type) -> list[str]:
    """The lines of a config that name a class; none if it has no place of its own."""
    place, table = place_of(cls), example_table(cls)
    if not place or table is None:
        return []
    if not place.startswith("["):  # named by its name alone
        section, _, key = place.rpartition(".")
        # The one without an error estimate takes steps of constant size.
        constant = ['name = "ConstantStep"', "dt = 0.01"] if cls is dfx.Euler else []
        return [f"[{section}]", f"{key} = {toml(cls.__name__)}", *constant]
    # Of the velocity solvers this one has a preconditioner.
    solver = ["[method.velocity_solver]", 'name = "RidgeCG"', ""]
    above = solver if issubclass(cls, AbstractPreconditioner) else []
    return [*above, place, *(f"{name} = {inline(value)}" for name, value in table.items())]


def inline(value: Any) -> str:
    """A value on one line of TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {inline(entry)}" for key, entry in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(inline(entry) for entry in value) + "]"
    return toml(value)


def names() -> dict[str, list[str]]:
    """The names of the packaged configs, of the problems and of all classes of the catalogue."""
    return {
        "configs": list(packaged_configs()),
        "problems": subclasses(AbstractProblem),
        "classes": subclasses(object),
    }


def names_class(name: str, table: Any) -> bool:
    """Whether a table names a class."""
    if isinstance(table, dict):
        return any(names_class(name, entry) for entry in table.values())
    if isinstance(table, list):
        return any(names_class(name, entry) for entry in table)
    return table == name


def refuse_script(name: str) -> None:
    """**Raises:** `InputError` for a Python script, which only `run` takes."""
    if name.endswith(".py"):
        raise InputError(f"{name!r} is a script, not a name or config: `neural-ivp run {name}`")
