"""Rows of a benchmark: to a JSON file as they come, and as a table for each kind of row."""

import json
import numbers
import sys
from pathlib import Path

import numpy as np


class Records:
    """Rows are dicts; `bench` names the kind of a row, and rows of a kind have like keys.

    With a path, each row is written there as one line of JSON as soon as it is known.
    """

    def __init__(self, path: str | None):
        self.rows: list[dict] = []
        self.path = None if path is None else Path(path)
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text("")

    def add(self, bench: str, **row) -> None:
        row = {"bench": bench, **row}
        self.rows.append(row)
        print(".", end="", file=sys.stderr, flush=True)
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(json.dumps(row, default=lambda x: np.asarray(x).tolist()) + "\n")

    def table(self) -> str:
        """One block of aligned columns for each kind of row."""
        kinds = dict.fromkeys(row["bench"] for row in self.rows)
        return "\n\n".join(
            _block(kind, [row for row in self.rows if row["bench"] == kind]) for kind in kinds
        )


def _block(kind: str, rows: list[dict]) -> str:
    names = [name for name in rows[0] if name != "bench"]
    cells = [names, *([_shown(row.get(name)) for name in names] for row in rows)]
    widths = [max(len(line[k]) for line in cells) for k in range(len(names))]
    lines = [
        "  ".join(cell.rjust(w) for cell, w in zip(line, widths, strict=True)) for line in cells
    ]
    return "\n".join([kind, *lines])


def _shown(value) -> str:
    if isinstance(value, numbers.Integral | str) or value is None:
        return "-" if value is None else str(value)
    return f"{float(value):.3g}"
