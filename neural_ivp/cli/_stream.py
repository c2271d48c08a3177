"""The record of a march in its run folder, a line for each attempted step as it is made."""

import contextlib
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TextIO

import numpy as np

from ..progress import Progress


class Stream:
    """Writes `record.csv`: what a run that was killed had reached is in it.

    - `before`: records of the attempts before, of a run that is resumed: those after its checkpoint
      are made anew.
    """

    def __init__(self, path: Path, before: Sequence[Mapping[str, np.ndarray]] = ()):
        self.path, self.before = path, list(before)
        self.file: TextIO | None = None

    def __enter__(self) -> "Stream":
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

    def __call__(self, made: Progress) -> None:
        if made.record is None:
            return
        # A full disk is no reason to lose the march: the record is in the solution, too.
        with contextlib.suppress(OSError):
            if self.file is None:
                self.file = self.path.open("w", encoding="utf-8", newline="", buffering=1)
                csv.writer(self.file).writerow(_flat(made.record))
                csv.writer(self.file).writerows(_flat(row).values() for row in self.before)
            csv.writer(self.file).writerow(_flat(made.record).values())


def _flat(record: Mapping[str, np.ndarray]) -> dict[str, float | bool]:
    """One number for each name; those of an array are numbered."""
    row = {}
    for name, value in record.items():
        entries = np.ravel(value).tolist()
        row |= (
            {name: entries[0]}
            if np.ndim(value) == 0
            else {f"{name}.{k}": entry for k, entry in enumerate(entries)}
        )
    return row
