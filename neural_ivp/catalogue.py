"""Objects as plain tables and back: what configs are made from and files are described by.

`describe` turns a part of the catalogue into {"name": class, argument: value, ...};
`build` makes it again from such a table. Only classes registered here can be built, so a
file from a stranger names classes of this library and numbers, never code.
"""

import inspect
import json
from typing import Any

import diffrax as dfx
import jax
import numpy as np

from .calculus import H1, L2
from .domains import Box, Torus
from .errors import InputError, suggestion
from .evolution import (
    SDIRK2,
    SDIRK4,
    AdaptiveStep,
    AnyRestart,
    BackwardEuler,
    ConstantStep,
    ExplicitRungeKutta,
    NeuralIVP,
    NoRestart,
    PeriodicRestart,
    Refit,
    RestartOnConditioning,
    RestartOnIterations,
    RestartOnResidual,
)
from .fitting import Adam, GaussNewton, LastLayer
from .linear import (
    AutoVelocitySolver,
    Damping,
    Landmarks,
    LeastSquares,
    NoPreconditioner,
    Nystrom,
    ProximalDamping,
    RandomSubset,
    RidgeCG,
    RidgeCholesky,
    RidgeDual,
    RidgeDualCG,
)
from .networks import FourierSeries, HardDirichlet, LinearCombination, SinusoidalMLP, flatten
from .problems import Advection, FokkerPlanck, Heat, Wave
from .samplers import ImportanceSampling, QuasiMonteCarlo, SequentialMonteCarlo, Uniform

_REGISTRY: dict[str, type] = {}


def register(*classes: type) -> None:
    """Let `describe` and `build` know classes whose arguments are attributes of the same name."""
    for cls in classes:
        _REGISTRY[cls.__name__] = cls


register(Box, Torus)
register(Advection, Heat, Wave, FokkerPlanck)
register(SinusoidalMLP, FourierSeries, HardDirichlet, LinearCombination)
register(Uniform, QuasiMonteCarlo, ImportanceSampling, SequentialMonteCarlo, L2, H1)
register(RidgeCG, RidgeCholesky, RidgeDual, RidgeDualCG, LeastSquares, Damping)
register(RandomSubset, ProximalDamping, AutoVelocitySolver, Nystrom, Landmarks, NoPreconditioner)
register(Adam, GaussNewton, LastLayer, NeuralIVP, Refit)
register(NoRestart, PeriodicRestart, AnyRestart)
register(RestartOnConditioning, RestartOnIterations, RestartOnResidual)
register(AdaptiveStep, ConstantStep, ExplicitRungeKutta, BackwardEuler, SDIRK2, SDIRK4)
register(
    dfx.Euler, dfx.Heun, dfx.Midpoint, dfx.Ralston, dfx.Bosh3, dfx.Tsit5, dfx.Dopri5, dfx.Dopri8
)


def registered(name: str) -> type:
    """The class of that name; `InputError` with the nearest one otherwise."""
    if name not in _REGISTRY:
        raise InputError(f"unknown name {name!r}.{suggestion(str(name), _REGISTRY)}")
    return _REGISTRY[name]


def subclasses(base: type | tuple[type, ...]) -> list[str]:
    """Names of the registered classes of a kind, or of several."""
    return sorted(name for name, cls in _REGISTRY.items() if issubclass(cls, base))


def arguments(cls: type) -> dict[str, inspect.Parameter]:
    """The arguments of a class that a table can hold (keys are given by the caller)."""
    if issubclass(cls, dfx.AbstractSolver):
        return {}  # their only argument tunes compilation
    parameters = inspect.signature(cls).parameters
    return {name: p for name, p in parameters.items() if name not in ("self", "key")}


def describe(value: Any) -> Any:
    """Plain data (tables, lists, numbers, strings, None) that `build` turns back.

    An object of a class that is not registered becomes {"opaque": its class}: it can be
    described, not built.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [describe(entry) for entry in value]
    if isinstance(value, jax.Array | np.ndarray | np.generic):
        return np.asarray(value).tolist()
    cls = type(value)
    if _REGISTRY.get(cls.__name__) is not cls:
        return {"opaque": f"{cls.__module__}.{cls.__qualname__}"}
    fields = {name: describe(getattr(value, name)) for name in arguments(cls)}
    return {"name": cls.__name__, **fields}


def build(table: Any, **extra: Any) -> Any:
    """The object that a table describes; `extra` are arguments for the outermost one.

    **Raises:** `InputError` for an unknown name or argument, or an opaque entry.
    """
    if isinstance(table, list):
        return tuple(build(entry) for entry in table)
    if not isinstance(table, dict):
        return table
    if "opaque" in table:
        raise InputError(f"{table['opaque']} is not of this library and cannot be rebuilt")
    cls = registered(table.get("name", "(missing)"))
    known = arguments(cls)
    for name in table:
        if name != "name" and name not in known:
            raise InputError(f"{cls.__name__} has no argument {name!r}.{suggestion(name, known)}")
    inner = {name: build(entry, **_passed_on(entry, extra)) for name, entry in table.items()}
    inner.pop("name")
    takes_key = "key" in inspect.signature(cls).parameters
    return cls(**inner, **({"key": extra["key"]} if takes_key else {}))


def _passed_on(entry: Any, extra: dict[str, Any]) -> dict[str, Any]:
    return extra if isinstance(entry, dict) else {}


def rebuild_or_check(name: str, table: Any, given: Any, sort: type, reader: str) -> Any:
    """The part that a table of a file describes, or the one that was given if it agrees.

    A network has zeros as its parameters: the file holds their values.

    **Raises:** `InputError` if `given` is of another sort or description, or is needed and missing.
    """
    if given is not None:
        if not isinstance(given, sort):
            article = "an" if sort.__name__[0] in "AEIOU" else "a"
            raise InputError(f"`{name}` must be {article} {sort.__name__}, got {given!r}")
        if (got := json.loads(json.dumps(describe(given)))) != table:
            raise InputError(f"`{name}` is {got}, but the file holds one of {table}")
        return given
    if "opaque" in json.dumps(table):
        raise InputError(
            f"the {name} in this file is not of this library's catalogue ({table}): pass "
            f"`{name}=` to `{reader}`"
        )
    made = build(table, key=jax.random.key(0))
    if name != "network":
        return made
    # The fresh network only gives the shape.
    theta, rebuild = flatten(made)
    return rebuild(0 * theta)
