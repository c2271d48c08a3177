"""`neural-ivp describe NAME`: a public name of the library or a config in words."""

import textwrap
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import tomli_w

from ..catalogue import registered
from ..config import config_path, packaged_configs, read_table
from ..errors import InputError, nearest
from ._docstrings import argument_texts, explanation, source, summary_line
from ._places import example_section, names, names_class, options_of, place_of, refuse_script

_WIDTH = 96


def describe(name: str) -> int:
    """Print what a public name of the library, a packaged config or a config file is.

    **Raises:** `InputError` for an unknown name, or a config that cannot be read.
    """
    library = import_module("neural_ivp")
    refuse_script(name)
    configs, classes = packaged_configs(), names()["classes"]
    if name in classes:
        lines = _class(registered(name), configs)
    elif name in library.__all__:
        lines = _of_python(name, getattr(library, name))
    elif name in configs or Path(name).suffix or Path(name).is_file():
        lines = _config(config_path(name), name)
    else:
        known = [*classes, *configs, *library.__all__]
        raise InputError(
            f"there is no class, packaged config or file {name!r}.{nearest(name, known)} "
            "`neural-ivp list` prints the names"
        )
    print("\n".join(lines))
    return 0


def _class(cls: type, configs: dict[str, Path]) -> list[str]:
    name = cls.__name__
    lines = [*_fill(f"{name}: {summary_line(cls)}")]
    for paragraph in explanation(cls):
        lines += ["", *_fill(paragraph)]
    if options := options_of(cls):
        texts = argument_texts(cls)
        lines += ["", "Arguments:"]
        for argument, parameter in options.items():
            lines += _fill(f"{argument}{_default(parameter)}: {texts.get(argument, '')}", "  ")
    if example := example_section(cls):
        lines += ["", "In a config:", *(f"  {line}" for line in example)]
    elif place_of(cls) == "":
        lines += ["", *_fill("It has no section of its own in a config: it is a part of others.")]
    users = [stem for stem, path in configs.items() if names_class(name, read_table(path))]
    if users:
        lines += ["", *_fill(f"Packaged configs that name it: {', '.join(users)}")]
    return [*lines, *(["", *_fill(source(cls))] if source(cls) else [])]


def _of_python(name: str, what: Any) -> list[str]:
    lines = _fill(f"{name}: {summary_line(what)}")
    for paragraph in explanation(what):
        lines += ["", *_fill(paragraph)]
    more = f'python -c "import neural_ivp; help(neural_ivp.{name})"'
    return [*lines, "", "It is used from Python, and has no place in a config. More:", f"  {more}"]


def _default(parameter: Any) -> str:
    if parameter.default is parameter.empty:
        return " (required)"
    if parameter.default is None:
        return ""
    value = parameter.default
    return f" = {value if isinstance(value, str | int | float | tuple) else type(value).__name__}"


def _config(path: Path, name: str) -> list[str]:
    table = read_table(path)
    text = path.read_text(encoding="utf-8").splitlines()
    comment = "\n".join(line.removeprefix("#").strip() for line in _first_comment(text))
    first, *more = comment.split("\n\n")
    lines = [*_fill(f"{path.stem}: {first}"), ""]
    for paragraph in more:
        lines += [*_fill(paragraph), ""]
    lines += tomli_w.dumps(table).splitlines()
    command = f"neural-ivp run {name}"
    return [*lines, "", "What it leaves out is chosen for the problem. To run it:", f"  {command}"]


def _first_comment(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        if not line.startswith("#"):
            return
        yield line


def _fill(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent + "  " * bool(indent)
    )
