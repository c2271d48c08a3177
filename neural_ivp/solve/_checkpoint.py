"""Where and how often a march is written to a file."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, check_count


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
