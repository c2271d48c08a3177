"""Checks of plain values in a config by the annotations of constructors.

pydantic is in strict mode: true is not an integer, "1" is not a number, but 1 is valid for 1.0.
"""

import inspect
import json
import types
from collections.abc import Iterable, Sequence
from typing import Any, Literal, Union, get_args, get_origin

import equinox as eqx
import jax
from pydantic import ConfigDict, TypeAdapter, ValidationError

from ..errors import InputError, suggestion

_STRICT = ConfigDict(strict=True, allow_inf_nan=False)
_WORDS = {int: "an integer", float: "a finite number", str: "a string", bool: "true or false"}


def check_value(value: Any, kind: Any, path: str) -> Any:
    """`value` if it is of the type `kind`, with integers converted for `float`.

    **Raises:** `InputError` with the dotted path, the value and the expected type.
    """
    try:
        return TypeAdapter(kind, config=_STRICT).validate_python(value)
    except ValidationError as error:
        if get_origin(kind) is Literal and isinstance(value, str):
            hint = suggestion(value, get_args(kind))
            raise InputError(f"`{path}` cannot be {toml(value)}.{hint}") from error
        fix = ""
        if kind is int and isinstance(value, float) and value.is_integer() and abs(value) < 2**32:
            fix = f": write {int(value)}"
        shown = f"{toml(value)} ({_sort(value)})"
        raise InputError(f"`{path}` must be {_words(kind)}, got {shown}{fix}") from error


def check_keys(table: Any, known: Iterable[str], path: str, owner: str) -> None:
    """Raise `InputError` unless `table` is a table whose keys are all known."""
    if not isinstance(table, dict):
        raise InputError(f"`{path}` must be a table, got {toml(table)} ({_sort(table)})")
    for key in table:
        if key not in known:
            dotted = f"{path}.{key}" if path else key
            raise InputError(f"unknown key `{dotted}` in {owner}.{suggestion(key, known)}")


def plain_type(cls: type, parameter: inspect.Parameter) -> Any:
    """The type of an argument in a TOML file, without None.

    An array is a number or a list of numbers, by the rank of the field of that name.
    """
    members = [
        member
        for member in alternatives(parameter.annotation)
        if not (isinstance(member, type) and issubclass(member, eqx.Module))
    ]
    if jax.Array in members:
        field = inspect.get_annotations(cls).get(parameter.name)
        return list[float] if getattr(field, "dim_str", "") else float
    if len(members) != 1:
        return Union[tuple(members)]  # noqa: UP007 (made at run time)
    if get_origin(members[0]) is Sequence:
        return list[get_args(members[0])[0]]
    return members[0]


def alternatives(annotation: Any) -> list[Any]:
    """The members of a union, or the annotation itself; without None."""
    union = get_origin(annotation) in (Union, types.UnionType)
    members = get_args(annotation) if union else (annotation,)
    return [member for member in members if member not in (None, types.NoneType)]


def toml(value: Any) -> str:
    """A value in TOML, which agrees with JSON except for dates."""
    return json.dumps(value, default=str, ensure_ascii=False)


def _words(kind: Any) -> str:
    if get_origin(kind) is list:
        return "a list of strings" if get_args(kind) == (str,) else "a list of finite numbers"
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(toml(word) for word in get_args(kind))
    return _WORDS.get(kind, str(kind))


def _sort(value: Any) -> str:
    """The type of a value in the words of TOML."""
    for kind, word in (
        (bool, "a boolean"),
        (int, "an integer"),
        (float, "a float"),
        (str, "a string"),
        (list, "a list"),
        (dict, "a table"),
    ):
        if isinstance(value, kind):
            return word
    return "a date or time"
