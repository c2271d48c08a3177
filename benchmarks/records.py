"""Rows of a benchmark: to a JSON file as they come, and as a table for each kind of row.

The first line of a file is its provenance (`provenance.py`), {"bench": "provenance", ...}; every
other line is a row. A file that is to stay goes into `benchmarks/results/`, of which `results.py`
makes `RESULTS.md`.
"""

import argparse
import inspect
import json
import math
import numbers
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
from provenance import provenance


class Clock:
    """Wall seconds and CPU seconds (user and system, of this process) since it was made."""

    def __init__(self):
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        return time.perf_counter() - self.wall, time.process_time() - self.cpu

    def row(self) -> dict[str, float]:
        """Both as the entries of a row."""
        wall, cpu = self.read()
        return {"seconds": round(wall, 1), "cpu_seconds": round(cpu, 1)}


class Records:
    """Rows are dicts; `bench` names the kind of a row, and rows of a kind have like keys.

    - `path`: where each row is written as one line of JSON as soon as it is known.
    - `makers`: the function that makes each kind of row; the first paragraph of its docstring is
      the caption of their table.
    - `in_process`: see `provenance`.
    """

    def __init__(
        self, path: str | None, makers: Mapping[str, Callable], *, in_process: bool = True
    ):
        self.rows: list[dict] = []
        self.path = None if path is None else Path(path)
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text("")
            captions = {kind: caption(maker) for kind, maker in makers.items()}
            self._write({"bench": "provenance", **provenance(in_process), "captions": captions})

    def add(self, bench: str, **row) -> None:
        row = {"bench": bench} | {name: plain(value) for name, value in row.items()}
        self.rows.append(row)
        print(".", end="", file=sys.stderr, flush=True)
        self._write(row)

    def _write(self, row: dict) -> None:
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(json.dumps(row, allow_nan=False) + "\n")

    def table(self) -> str:
        """One block of aligned columns for each kind of row."""
        return "\n\n".join(_block(kind, rows) for kind, rows in by_kind(self.rows).items())


def parser(description: str, cases: Iterable[str] = ()) -> argparse.ArgumentParser:
    """The arguments that every script takes: the names of its cases, all if none is given."""
    arguments = argparse.ArgumentParser(description=description.splitlines()[0])
    if cases:
        arguments.add_argument("names", nargs="*", choices=[*cases, []], metavar="NAME")
    arguments.add_argument("--json", metavar="FILE", help="also write the rows as lines of JSON")
    return arguments


def caption(maker: Callable) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join((inspect.getdoc(maker) or "").split("\n\n")[0].split())


def plain(value):
    """A value that JSON has; a number that is not finite becomes None."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    array = np.asarray(value)
    number = array.item() if array.dtype.kind in "iub" else float(array)
    return number if math.isfinite(number) else None


def by_kind(rows: Iterable[dict]) -> dict[str, list[dict]]:
    """The rows of each kind, in the order of their first."""
    kinds: dict[str, list[dict]] = {}
    for row in rows:
        kinds.setdefault(row["bench"], []).append(row)
    return kinds


def columns(rows: list[dict]) -> list[str]:
    """The names that occur in rows of one kind, in order."""
    return [name for name in dict.fromkeys(name for row in rows for name in row) if name != "bench"]


def shown(value) -> str:
    """A value as a cell of a table, three digits of a number that is not whole."""
    if value is None or isinstance(value, str | int):
        return "-" if value is None else str(value)
    if 1e-3 <= abs(value) < 1e6 or value == 0:
        return f"{value:.0f}" if abs(value) >= 1e3 else f"{value:.3g}"
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def _block(kind: str, rows: list[dict]) -> str:
    names = columns(rows)
    cells = [names, *([shown(row.get(name)) for name in names] for row in rows)]
    widths = [max(len(line[k]) for line in cells) for k in range(len(names))]
    lines = [
        "  ".join(cell.rjust(w) for cell, w in zip(line, widths, strict=True)) for line in cells
    ]
    return "\n".join([kind, *lines])
