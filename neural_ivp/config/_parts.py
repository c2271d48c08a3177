"""Objects from tables of a config, with the dotted paths of arguments in error messages."""

import contextlib
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

import equinox as eqx
import numpy as np

from ..catalogue import arguments, describe, hint, registered, subclasses
from ..errors import InputError, suggestion
from ._values import alternatives, check_keys, check_value, plain_type, toml


def build_part(value: Any, kind: type | tuple[type, ...], path: str) -> Any:
    """The object of a `kind`, or one of several, that a table or a name describes.

    **Raises:** `InputError` for an unknown name or key, a missing argument, or a value of the wrong
    type or refused by the constructor.
    """
    cls = _class_of(value, kind, path)
    table = {} if isinstance(value, str) else value
    known = arguments(cls)
    check_arguments(table, known, path, cls.__name__)
    given = {
        name: _build_argument(cls, known[name], entry, f"{path}.{name}")
        for name, entry in table.items()
        if name != "name"
    }
    with dotted(path, known):
        return cls(**given)


def check_arguments(
    table: Any, known: Mapping[str, inspect.Parameter], path: str, owner: str
) -> None:
    """Raise `InputError` unless the table has known keys and all arguments without a default."""
    check_keys(table, ["name", *known], path, owner)
    for name, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and name not in table:
            raise InputError(f"`{path}.{name}` is missing: {owner} needs it")


def _class_of(value: Any, kind: type | tuple[type, ...], path: str) -> type:
    """The registered class of that name; without a name, the only one of its kind."""
    names = subclasses(kind)
    if isinstance(value, str):
        name = value
    elif isinstance(value, dict):
        path = f"{path}.name"
        name = value.get("name", names[0] if len(names) == 1 else None)
    else:
        raise InputError(f"`{path}` must be a table or a name, got {toml(value)}")
    if name is None:
        raise InputError(f"`{path}` is missing.{suggestion('', names)}")
    if name not in names:
        raise InputError(f"`{path}` cannot be {toml(name)}.{hint(name, names)}")
    return registered(name)


@contextlib.contextmanager
def dotted(path: str, names: Iterable[str]) -> Iterator[None]:
    """Inside this block, an `InputError` on `argument` names `path.argument`."""
    try:
        yield
    except InputError as error:
        message = str(error)
        for name in names:
            message = message.replace(f"`{name}`", f"`{path}.{name}`")
        if message == str(error):
            message = f"`{path}`: {message}"
        raise InputError(message) from error


def _build_argument(cls: type, parameter: inspect.Parameter, value: Any, path: str) -> Any:
    members = alternatives(parameter.annotation)
    for member in members:
        if kinds := _kinds_in(member):
            if not isinstance(value, list):
                raise InputError(f"`{path}` must be an array of tables: write [[{path}]]")
            return tuple(build_part(v, kinds, f"{path}.{k}") for k, v in enumerate(value))
    parts = tuple(m for m in members if isinstance(m, type) and issubclass(m, eqx.Module))
    if parts and (len(parts) == len(members) or isinstance(value, dict | str)):
        return build_part(value, parts, path)
    if not members:
        raise InputError(f"`{path}` takes no value: leave it out")
    return check_value(value, plain_type(cls, parameter), path)


def _kinds_in(annotation: Any) -> tuple[type, ...]:
    """The kinds of the objects in a tuple or sequence of them; none for anything else."""
    if get_origin(annotation) not in (tuple, Sequence):
        return ()
    kinds = alternatives(get_args(annotation)[0])
    objects = all(isinstance(kind, type) and issubclass(kind, eqx.Module) for kind in kinds)
    return tuple(kinds) if objects else ()


def describe_part(part: Any, typed: Any, path: str) -> Any:
    """`describe(part)` for a config: without None, and with the numbers as they were typed.

    An array in the run's dtype may have fewer digits than were typed.

    **Raises:** `InputError` if the object uses another value than was typed, for example of a
    `dimension` that contradicts the `domain`.
    """
    typed = {"name": typed} if isinstance(typed, str) else typed
    table: dict[str, Any] = {"name": type(part).__name__}
    for name, parameter in arguments(type(part)).items():
        inner, value = f"{path}.{name}", getattr(part, name)
        if isinstance(value, eqx.Module):
            table[name] = describe_part(value, typed.get(name, {}), inner)
        elif isinstance(value, tuple) and value and isinstance(value[0], eqx.Module):
            entries = typed.get(name) or [{}] * len(value)
            table[name] = [
                describe_part(v, t, f"{inner}.{k}")
                for k, (v, t) in enumerate(zip(value, entries, strict=True))
            ]
        elif value is not None:
            table[name] = _digits(describe(value), typed.get(name), parameter.default, inner)
    return table["name"] if len(table) == 1 else table


def _digits(value: Any, typed: Any, default: Any, path: str) -> Any:
    if typed is None:
        return default if isinstance(default, float) and _same(value, default) else value
    if not _same(value, typed):
        raise InputError(
            f"`{path}` = {toml(typed)} would not be used: the rest of the config makes it "
            f"{toml(value)}; make them agree or leave it out"
        )
    return typed


def _same(value: Any, typed: Any) -> bool:
    """Whether `value` is `typed`, or `typed` rounded to float32."""
    if isinstance(value, list):
        entries = isinstance(typed, list) and len(typed) == len(value)
        return entries and all(_same(v, t) for v, t in zip(value, typed, strict=True))
    if value == typed or not isinstance(value, float):
        return value == typed
    with np.errstate(over="ignore"):
        return value == float(np.float32(typed))
