"""`neural-ivp init NAME`: write a commented config of a problem or a packaged config."""

import re
import textwrap
from pathlib import Path
from typing import Any

from ..catalogue import arguments, registered
from ..config import dtype_of, make_config, packaged_configs, read_table
from ..errors import InputError, nearest
from ..evolution import NeuralIVP
from ._docstrings import argument_texts, summary_line
from ._environment import precision
from ._list import first_comment
from ._places import inline, names, refuse_script

_TIME = {
    "start": "time of the initial value",
    "end": "last time of the run",
    "num_saves": "equally spaced times to save, with the first and the last",
    "saves": "times to save",
}
_WIDTH = 99
_TOP = {"seed": "of all random choices", "dtype": '"float64" or "float32"'}


def init(name: str, out: str | None = None) -> int:
    """Write a config that `run` accepts as it is, with all defaults as comments.

    **Raises:** `InputError` for an unknown name, or a file that exists already.
    """
    refuse_script(name)
    path = Path(f"{name}.toml" if out is None else out)
    if path.suffix != ".toml":
        raise InputError(f"`--out` must name a file that ends in .toml, got {str(path)!r}")
    table, comment = _start(name)
    if path.exists():
        raise InputError(f"{str(path)!r} exists already: name another file by `--out`")
    if not path.parent.is_dir():
        raise InputError(f"`--out`: there is no folder {str(path.parent)!r}; make it first")
    with precision(dtype_of(table)):
        resolved = make_config(table).resolved
    text = _commented(table, resolved, f"{comment}\n#\n#     neural-ivp run {path}")
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    print(f"{path} is written; to run it:\n  neural-ivp run {path}")
    return 0


def _start(name: str) -> tuple[dict[str, Any], str]:
    """The table to write, and the comment on its first lines."""
    configs = packaged_configs()
    if name in configs:
        return read_table(configs[name]), f"# {first_comment(configs[name])}"
    problems = names()["problems"]
    if name not in problems:
        raise InputError(
            f"there is no problem and no packaged config {name!r}."
            f"{nearest(name, [*problems, *configs])} `neural-ivp list` prints the names"
        )
    comment = f"# {summary_line(registered(name))}"
    tables = {stem: read_table(path) for stem, path in configs.items()}
    of_it = [stem for stem, table in tables.items() if table["problem"].get("name") == name]
    if not of_it:
        return {"seed": 0, "problem": {"name": name}, "time": {"end": 1.0}}, comment
    stem = min(of_it, key=lambda stem: (tables[stem]["problem"].get("dimension", 0), stem))
    return tables[stem], f"{comment}\n# As in the packaged config {stem}."


def _commented(table: dict[str, Any], resolved: dict[str, Any], comment: str) -> str:
    lines = [
        comment,
        "#",
        "# A line `# name = value` is the default that is used; take the # away to change it.",
        "",
        *_lines(table, {name: resolved[name] for name in _TOP}, _TOP),
        *_section("problem", table, resolved["problem"]),
        "",
        "[time]",
        *_lines(table["time"], resolved["time"], _TIME),
        *_section("network", table, resolved["network"]),
    ]
    method, given = resolved["method"], table.get("method", {})
    # The tables of the method are merged with the defaults, so that an empty section is valid.
    inner = {name: part for name, part in method.items() if isinstance(part, dict)}
    rest = {name: part for name, part in method.items() if name not in inner}
    texts = {name: _brief(text) for name, text in argument_texts(NeuralIVP).items()}
    lines += ["", "[method]", *_lines(given, rest, texts)]
    for name, part in inner.items():
        lines += _section(f"method.{name}", {f"method.{name}": given.get(name, {})}, part)
    return "\n".join(lines) + "\n"


def _section(path: str, tables: dict[str, Any], resolved: Any) -> list[str]:
    """A section with the arguments of a class."""
    given = tables.get(path, {})
    given = {"name": given} if isinstance(given, str) else given
    resolved = {"name": resolved} if isinstance(resolved, str) else resolved
    cls = registered(resolved["name"])
    texts = {name: _brief(text) for name, text in argument_texts(cls).items()}
    texts["name"] = f"neural-ivp describe {cls.__name__}"
    ordered = {name: resolved[name] for name in ("name", *arguments(cls)) if name in resolved}
    return ["", f"[{path}]", *_lines(given, ordered, texts)]


def _lines(given: dict[str, Any], resolved: dict[str, Any], texts: dict[str, str]) -> list[str]:
    """Entries in effect as they are, defaults as comments; what they are beside or above them."""
    lines = []
    for name, value in resolved.items():
        entry, text = _entry(name, value), texts.get(name, "")
        if name not in given:
            entry = [f"# {line}" for line in _entry(name, _short(value))]
        if text and len(entry) == 1 and len(entry[0]) + len(text) + 4 <= _WIDTH:
            lines.append(f"{entry[0]}  # {text}")
        else:
            lines += [f"# {line}" for line in textwrap.wrap(text, _WIDTH - 2)] + entry
    return lines


def _entry(name: str, value: Any) -> list[str]:
    """The lines of one entry: one, or several for a list of tables."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [f"{name} = [", *(f"    {inline(entry)}," for entry in value), "]"]
    return [f"{name} = {inline(value)}"]


def _short(value: Any) -> Any:
    """A number without the rounding of its last digits, 1e-10 for 1.0000000000000002e-10."""
    if isinstance(value, dict):
        return {name: _short(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_short(entry) for entry in value]
    rounded = float(f"{value:.6g}") if isinstance(value, float) else value
    close = isinstance(value, float) and abs(rounded - value) <= 1e-14 * abs(value)
    return rounded if close else value


def _brief(text: str) -> str:
    """The first clause of an argument's description."""
    return re.split(r"[;:] |\. |\.$", text)[0]
