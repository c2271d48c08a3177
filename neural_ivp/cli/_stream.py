"""`record.csv` in a run folder, with a line for each attempted step."""

import contextlib
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TextIO

import numpy as np

from ..progress import Progress


class RecordWriter:
    """Writes `record.csv` during the march, so that a killed run leaves its record.

    `before` has the records of a resumed run up to its checkpoint.
    """

    def __init__(self, path: Path, before: Sequence[Mapping[str, np.ndarray]] = ()):
        self.path, self.before = path, list(before)
        self.file: TextIO | None = None

    def __enter__(self) -> "RecordWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.file is not None:
            with contextlib.suppress(OSError):
                self.file.close()

    def __call__(self, update: Progress) -> None:
        if update.record is None:
            return
        # A full disk must not end the march; the solution has the record, too.
        with contextlib.suppress(OSError):
            if self.file is None:
                self.file = self.path.open("w", encoding="utf-8", newline="", buffering=1)
                csv.writer(self.file).writerow(_flat(update.record))
                csv.writer(self.file).writerows(_flat(row).values() for row in self.before)
            csv.writer(self.file).writerow(_flat(update.record).values())


def _flat(record: Mapping[str, np.ndarray]) -> dict[str, float | bool]:
    """One number for each name; entries of an array are numbered."""
    row = {}
    for name, value in record.items():
        if np.ndim(value) == 0:
            row[name] = value.item()
        else:
            row |= {f"{name}.{k}": entry for k, entry in enumerate(np.ravel(value).tolist())}
    return row
