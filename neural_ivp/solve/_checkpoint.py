"""Checkpoints: when a march is written to a file, and what happens when it cannot be."""

import importlib.metadata
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._errors import InputError, check_count
from ..solution._format import write_file
from ._march import March
from ._packing import packed
from ._stopwatch import Stopwatch

KIND, VERSION = "checkpoint", 2


class CheckpointWarning(UserWarning):
    """A checkpoint could not be written; the march goes on."""


def check_path(path: Any) -> None:
    """**Raises:** `InputError` for something that is no path."""
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"`path` must be the path of a file, got {path!r}")


@dataclass(frozen=True)
class Checkpoint:
    """A file to `resume` a march from after its process has ended, whatever ended it.

    It is written when the initial fit is done, after each refit, after every `every` attempted
    steps, and when the march is interrupted (Ctrl-C): in a draft beside it that then takes its
    place, so that there is a whole one at any moment. It stays when the march is done.

    **Arguments:**

    - `path`: of the file; one of that name is replaced. Its folder must exist.
    - `every`: attempted steps between two writings, at least 1. Each writes the parameters and
      velocities of all accepted steps so far. Good values: 20; more where that takes longer than
      a few steps.

    **Raises:** `InputError` for something that is no path, or a count below one.
    """

    path: str | os.PathLike
    every: int = 20

    def __post_init__(self):
        check_path(self.path)
        check_count("every", self.every)


def check_checkpoint(checkpoint: Any) -> None:
    """**Raises:** `InputError` for what cannot be written to, before the work and not after it."""
    if checkpoint is None:
        return
    if not isinstance(checkpoint, Checkpoint):
        raise InputError(
            f'`checkpoint` must be made by `nivp.Checkpoint("march.nivp")`, got {checkpoint!r}'
        )
    path = Path(checkpoint.path)
    if path.is_dir():
        raise InputError(f"`checkpoint`: {str(path)!r} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise InputError(f"`checkpoint`: there is no folder {str(path.parent)!r}; make it first")


class Keeper:
    """Writes the checkpoints of one march, or none."""

    def __init__(self, checkpoint: Checkpoint | None, march: March, watch: Stopwatch):
        self.checkpoint, self.march, self.watch = checkpoint, march, watch
        self.warned = False

    def __call__(self, begins: bool) -> None:
        """Between attempts: at the beginning of a segment always, then every so many."""
        every = 1 if self.checkpoint is None else self.checkpoint.every
        if begins or len(self.march.records) % every == 0:
            self.write()

    def write(self) -> None:
        """Write the march as it stands; a full disk is no reason to lose it."""
        if self.checkpoint is None:
            return
        said, arrays = packed(self.march)
        said |= {
            "package": package_version(),
            "every": self.checkpoint.every,
            "seconds": self.watch.seconds(),
        }
        try:
            write_file(Path(self.checkpoint.path), KIND, VERSION, said, arrays)
        except OSError as error:
            if not self.warned:
                self.warned = True
                warnings.warn(
                    f"no checkpoint could be written to {str(self.checkpoint.path)!r} "
                    f"({error.strerror or error}): the march goes on without it",
                    CheckpointWarning,
                    stacklevel=2,
                )


def package_version() -> str:
    """The version of this library."""
    try:
        return importlib.metadata.version("neural-ivp")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"  # used from its source folder
