"""The points and grids of `evaluate`, as they are typed."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError, suggestion


def read_points(path: Path, names: Sequence[str]) -> np.ndarray:
    """The points of a CSV file, shape (n, d).

    A first line may name the axes, in any order; without it the columns are in the order of the
    axes.

    **Raises:** `InputError` for a missing file, other columns, or an entry that is not a number.
    """
    shown = f"`--points`: {str(path)!r}"
    if not path.is_file():
        what = "is a directory: name a CSV file in it" if path.is_dir() else "does not exist"
        raise InputError(f"{shown} {what}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [(number, row) for number, row in enumerate(csv.reader(file), 1) if any(row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{shown} is not a CSV file: {error}") from error
    order = list(range(len(names)))
    if lines and all(_number(entry) is None for entry in lines[0][1]):
        header = [entry.strip() for entry in lines.pop(0)[1]]
        if sorted(header) != sorted(names):
            raise InputError(
                f"{shown} has the columns {', '.join(header)}; write {','.join(names)}"
            )
        order = [header.index(name) for name in names]
    points = []
    for number, row in lines:
        values = [_number(entry) for entry in row]
        if len(values) != len(names) or None in values:
            raise InputError(
                f"{shown}, line {number}: {','.join(row)!r} is not one number for each of "
                f"{', '.join(names)}"
            )
        points.append([values[k] for k in order])
    if not points:
        raise InputError(f"{shown} has no points: write one a line")
    return np.asarray(points, float)


def read_grid(words: Sequence[str], names: Sequence[str]) -> dict[str, int | np.ndarray]:
    """What `Solution.on_grid` gets for each axis, from words such as "x0=101" or "x0=0:1:101".

    **Raises:** `InputError` for an axis that is unknown or named twice, or another form.
    """
    axes: dict[str, int | np.ndarray] = {}
    for word in (part for entry in words for part in entry.split(",") if part):
        name, _, text = word.partition("=")
        if name not in names:
            raise InputError(f"`--grid`: there is no axis {name!r}.{suggestion(name, names)}")
        if name in axes:
            raise InputError(f"`--grid` has the axis {name} twice; leave one of them out")
        first, last, count = _split(text)
        if not count.isdecimal() or (first is None) != (last is None):
            raise InputError(
                f"`--grid` takes {name}=N, as in {name}=101, or {name}=FROM:TO:N, as in "
                f"{name}=0:0.5:101; got {word!r}"
            )
        if first is None or last is None:
            axes[name] = int(count)
        else:
            axes[name] = np.linspace(first, last, int(count))
    return axes


def _split(text: str) -> tuple[float | None, float | None, str]:
    """FROM, TO and N of FROM:TO:N, or of N alone."""
    first, *rest = text.split(":")
    if not rest:
        return None, None, first
    return (_number(first), _number(rest[0]), rest[1]) if len(rest) == 2 else (None, None, "")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
