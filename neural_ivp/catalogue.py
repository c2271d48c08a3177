"""Objects as plain tables and back, for configs and files.

`describe` turns an object into {"name": class, argument: value, ...} and `build` turns such a table
into the object. Only registered classes can be built: a file names classes, never code.
"""

import inspect
import json
from collections.abc import Iterable
from typing import Any

import diffrax as dfx
import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from .calculus import H1, L2
from .domains import Annulus, Ball, Box, Euclidean, Interval, Periodic, ProductDomain, Torus
from .errors import InputError, suggestion
from .evolution import (
    SDIRK2,
    SDIRK4,
    AdaptiveStep,
    AnyRestart,
    BackwardEuler,
    ConstantStep,
    DirectionGrowth,
    ExplicitRungeKutta,
    NeuralIVP,
    NoRestart,
    PeriodicRestart,
    Refit,
    RestartOnConditioning,
    RestartOnIterations,
    RestartOnResidual,
    Rodas4,
)
from .fitting import Adam, GaussNewton, LastLayer
from .linear import (
    AutoVelocitySolver,
    Damping,
    Landmarks,
    LandmarkSubspace,
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
from .networks import (
    ConstantStart,
    FourierSeries,
    GaussianFrame,
    LinearCombination,
    RidgeSum,
    SinusoidalMLP,
    WithVelocity,
    flatten,
)
from .problems import (
    Advection,
    AllenCahn,
    Beam,
    Burgers,
    BurgersSine,
    CahnHilliard,
    DoubleWells,
    GrayScott,
    HarmonicTrap,
    Heat,
    HeatPeriodic,
    HeatSpace,
    InteractingParticles,
    KleinGordon,
    KortewegDeVries,
    Maxwell,
    NonlinearSchroedinger,
    ReactionDiffusion,
    Relaxation,
    RotatingTrap,
    Schroedinger,
    Schwarzschild,
    SineGordon,
    Telegraph,
    TwoSpeeds,
    Vlasov,
    Wave,
    WaveMaps,
    WaveString,
)
from .samplers import (
    DiffusionParticles,
    ImportanceSampling,
    QuasiMonteCarlo,
    SequentialMonteCarlo,
    Uniform,
)

_REGISTRY: dict[str, type] = {}


def register(*classes: type) -> None:
    """Add classes to those that configs can name and files can describe.

    **Arguments:**

    - `classes`: their arguments must be attributes of the same names (`key` excepted).

    ```python
    class MySampler(nivp.samplers.AbstractSampler): ...
    nivp.register(MySampler)
    ```
    """
    for cls in classes:
        _REGISTRY[cls.__name__] = cls


register(Box, Torus, ProductDomain, Interval, Periodic, Ball, Annulus, Euclidean)
register(Advection, Heat, Wave, WaveMaps, Schwarzschild)
register(DoubleWells, HarmonicTrap, HeatSpace, InteractingParticles, Relaxation, RotatingTrap)
register(AllenCahn, Burgers, BurgersSine, CahnHilliard, GrayScott, HeatPeriodic, KortewegDeVries)
register(Maxwell, NonlinearSchroedinger, ReactionDiffusion, Schroedinger, Vlasov)
register(Beam, KleinGordon, SineGordon, Telegraph, TwoSpeeds, WaveString)
register(SinusoidalMLP, FourierSeries, ConstantStart, LinearCombination, WithVelocity)
register(GaussianFrame, RidgeSum, DiffusionParticles, Euclidean)
register(Uniform, QuasiMonteCarlo, ImportanceSampling, SequentialMonteCarlo, L2, H1)
register(RidgeCG, RidgeCholesky, RidgeDual, RidgeDualCG, LeastSquares, Damping)
register(LandmarkSubspace)
register(RandomSubset, ProximalDamping, AutoVelocitySolver, Nystrom, Landmarks, NoPreconditioner)
register(Adam, GaussNewton, LastLayer, NeuralIVP, Refit)
register(NoRestart, PeriodicRestart, AnyRestart, DirectionGrowth)
register(RestartOnConditioning, RestartOnIterations, RestartOnResidual)
register(AdaptiveStep, ConstantStep, ExplicitRungeKutta, BackwardEuler, SDIRK2, SDIRK4)
register(Rodas4)
register(
    dfx.Euler, dfx.Heun, dfx.Midpoint, dfx.Ralston, dfx.Bosh3, dfx.Tsit5, dfx.Dopri5, dfx.Dopri8
)


# Names of version 0.1 before its rooms were built, for a hint; none of them is accepted.
_RENAMED = {
    "Following": "ImportanceSampling",
    "Particles": "SequentialMonteCarlo",
    "QuasiUniform": "QuasiMonteCarlo",
    "Mixed": "LinearCombination",
    "Auto": "AutoVelocitySolver",
    "Anchored": "ProximalDamping",
    "AbsoluteDamping": "Damping",
    "Implicit": "SDIRK4",
    "Adaptive": "AdaptiveStep",
    "Fixed": "ConstantStep",
}


def hint(name: Any, valid: Iterable[str]) -> str:
    """The new name of a renamed class, or the nearest valid name, and the list of all."""
    if name in _RENAMED:
        return f" It was renamed {_RENAMED[name]!r}, see CHANGELOG.md."
    return suggestion(str(name), valid)


def registered(name: str) -> type:
    """The class of that name; `InputError` with the nearest name if there is none."""
    if name not in _REGISTRY:
        raise InputError(f"unknown name {name!r}.{hint(name, _REGISTRY)}")
    return _REGISTRY[name]


def subclasses(base: type | tuple[type, ...]) -> list[str]:
    """Sorted names of the registered subclasses of a class, or of several."""
    return sorted(name for name, cls in _REGISTRY.items() if issubclass(cls, base))


def arguments(cls: type) -> dict[str, inspect.Parameter]:
    """The arguments of a class that a table can hold: all but random keys."""
    if issubclass(cls, dfx.AbstractSolver):
        return {}  # their only argument tunes compilation
    parameters = inspect.signature(cls).parameters
    return {name: p for name, p in parameters.items() if name not in ("self", "key")}


def describe(value: Any) -> Any:
    """Plain data (tables, lists, numbers, strings, None) for `build`.

    An object of a class that is not registered becomes {"opaque": its class}: `build` refuses it.
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


def build(table: Any, key: PRNGKeyArray) -> Any:
    """The object that a table describes, with the key for classes that take one.

    **Raises:** `InputError` for an unknown name or argument, or an opaque entry.
    """
    if isinstance(table, list):
        return tuple(build(entry, key) for entry in table)
    if not isinstance(table, dict):
        return table
    if "opaque" in table:
        raise InputError(f"{table['opaque']} is not of this library and cannot be rebuilt")
    cls = registered(table.get("name", "(missing)"))
    known = arguments(cls)
    for name in table:
        if name != "name" and name not in known:
            raise InputError(f"{cls.__name__} has no argument {name!r}.{suggestion(name, known)}")
    inner = {name: build(entry, key) for name, entry in table.items() if name != "name"}
    if "key" in inspect.signature(cls).parameters:
        inner["key"] = key
    return cls(**inner)


def rebuild_or_check(name: str, table: Any, given: Any, kind: type, reader: str) -> Any:
    """The object that a table of a file describes, or `given` if its description is the same.

    A rebuilt network has zero parameters; the caller takes them from the arrays of the file.

    **Raises:** `InputError` if `given` is of another kind or description, or needed and missing.
    """
    if given is not None:
        if not isinstance(given, kind):
            article = "an" if kind.__name__[0] in "AEIOU" else "a"
            raise InputError(f"`{name}` must be {article} {kind.__name__}, got {given!r}")
        if (description := json.loads(json.dumps(describe(given)))) != table:
            raise InputError(f"`{name}` is {description}, but the file holds one of {table}")
        return given
    if "opaque" in json.dumps(table):
        raise InputError(
            f"the {name} in this file is not of this library's catalogue ({table}): pass "
            f"`{name}=` to `{reader}`"
        )
    rebuilt = build(table, jax.random.key(0))
    if name != "network":
        return rebuilt
    theta, rebuild = flatten(rebuilt)
    return rebuild(0 * theta)
