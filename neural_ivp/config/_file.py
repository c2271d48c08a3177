"""Config files as plain tables: TOML, `extends`, `--set`, and how they are merged."""

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import check_nesting

# Two alternatives: a table that sets one removes the other from the table below it.
_EITHER_OR = ("saves", "num_saves")


def read_table(path: str | os.PathLike, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """The table of a config file, merged with the files it extends and the overrides.

    **Arguments:**

    - `path`: of a TOML file; its `extends` names another one, relative to it.
    - `overrides`: strings `section.key=value` of `--set`; a value that is not TOML is a string.

    **Raises:** `InputError` for a missing or malformed file, a cycle of `extends`, or an override
    without a key.
    """
    table = _read(Path(path), ())
    # The overrides are merged first, so that their order does not matter.
    merged: dict[str, Any] = {}
    for override in overrides:
        _put(merged, *_split(override))
    return merge(table, merged)


def merge(base: Any, over: Any, path: str = "") -> Any:
    """`base` updated by `over`: tables are merged by key, anything else is replaced.

    An object may be written as its name alone. A table with another `name` replaces the other one,
    whose arguments are of another class. Numbers address entries of a list:
    `method.fit.0.steps = 500`.

    **Raises:** `InputError` for a number that the list does not have.
    """
    numbered = isinstance(over, dict) and over and all(key.isdecimal() for key in over)
    if isinstance(base, list) and numbered:
        return _merge_entries(base, over, path)
    if isinstance(over, str) and isinstance(base, dict) and "name" in base:
        over = {"name": over}
    if isinstance(over, dict) and isinstance(base, str):
        base = {"name": base}
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    if "name" in over and "name" in base and over["name"] != base["name"]:
        return over
    merged = dict(base)
    for this, other in (_EITHER_OR, _EITHER_OR[::-1]):
        if this in over and other not in over:
            merged.pop(other, None)
    for key, value in over.items():
        inner = f"{path}.{key}" if path else key
        merged[key] = merge(merged[key], value, inner) if key in merged else value
    return merged


def _merge_entries(base: list, over: dict[str, Any], path: str) -> list:
    merged = list(base)
    for key, value in over.items():
        if int(key) >= len(base):
            raise InputError(
                f"`{path}.{key}`: `{path}` has {len(base)} entries, numbered from 0; write the "
                "whole list to make it longer"
            )
        merged[int(key)] = merge(base[int(key)], value, f"{path}.{key}")
    return merged


def _read(path: Path, above: tuple[Path, ...]) -> dict[str, Any]:
    if not path.is_file():
        extended = f" (`extends` in {str(above[-1])!r})" if above else ""
        if path.is_dir():
            raise InputError(f"{str(path)!r} is a directory: name a TOML file in it{extended}")
        raise InputError(f"there is no file {str(path)!r}{extended}")
    try:
        table = _parsed(path.read_text(encoding="utf-8"), repr(str(path)))
    except UnicodeDecodeError as error:
        raise InputError(f"{str(path)!r} is no text in UTF-8, so no TOML file: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{str(path)!r} is not valid TOML: {error}") from error
    if "extends" not in table:
        return table
    parent = table.pop("extends")
    if not isinstance(parent, str):
        raise InputError(f"`extends` must be the path of one config, got {parent!r}")
    parent, chain = path.parent / parent, (*above, path)
    if parent.resolve() in [file.resolve() for file in chain]:
        names = " -> ".join(str(file) for file in (*chain, parent))
        raise InputError(f"`extends` goes round in a circle: {names}")
    return merge(_read(parent, chain), table)


def _parsed(text: str, subject: str) -> dict[str, Any]:
    """The table of a TOML text.

    **Raises:** `InputError` for one that is nested so deeply that no config is meant.
    """
    try:
        table = tomllib.loads(text)
    except RecursionError as error:
        raise InputError(f"{subject} is nested too deeply") from error
    check_nesting(subject, table)
    return table


def _split(override: str) -> tuple[list[str], Any]:
    name, equals, text = override.partition("=")
    keys = [key.strip() for key in name.split(".")]
    if not equals or not all(keys):
        raise InputError(f"`--set` takes section.key=value, got {override!r}")
    try:
        parsed = _parsed(f"value = {text}", f"`--set {name}`")
    except tomllib.TOMLDecodeError:
        return keys, text.strip()
    return keys, parsed["value"] if len(parsed) == 1 else text.strip()


def _put(table: dict[str, Any], keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        inner = table.setdefault(key, {})
        if not isinstance(inner, dict):  # an object given by its name alone
            inner = table[key] = {"name": inner}
        table = inner
    last = table.get(keys[-1])
    if isinstance(last, dict) and isinstance(value, str):
        value = {"name": value}  # after its arguments
        last.setdefault("name", value["name"])
    table[keys[-1]] = value if last is None else merge(last, value)
