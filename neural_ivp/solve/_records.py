"""The stacked records of a march, and its rollback point."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np


class StackedRecords(Mapping[str, np.ndarray]):
    """Records of steps as one array for each quantity, stacked on access."""

    def __init__(self, records: Sequence[Mapping[str, np.ndarray]]):
        self.records = records

    def __getitem__(self, name: str) -> np.ndarray:
        return np.stack([record[name] for record in self.records])

    def __iter__(self) -> Iterator[str]:
        return iter(self.records[0])

    def __len__(self) -> int:
        return len(self.records[0])


class RollbackPoint(NamedTuple):
    """A moment between two attempts: the `State`, and the lengths of what was stored."""

    state: Any
    t: float
    stop: float
    segments: int
    steps: int
    attempts: int
    fits: int
