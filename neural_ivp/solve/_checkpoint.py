"""The file of a checkpoint, and how often it is written."""

import os
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, check_count
from ..files import check_output, check_path


@dataclass(frozen=True)
class Checkpoint:
    """A file from which `resume` continues a march whose process has ended for any reason.

    It is written after the initial fit and each refit, after every `every` attempted steps, and at
    an interruption (Ctrl-C), each time atomically. It remains at the end of the march.

    **Arguments:**

    - `path`: of the file, which is replaced if it exists; its folder must exist.
    - `every`: attempted steps between two checkpoints, at least 1. Each holds the parameters and
      velocities of all accepted steps so far. Good values: 20; more where writing takes longer than
      a few steps.

    **Raises:** `InputError` for something that is not a path, or a count below one.

    ```python
    file, key = nivp.Checkpoint("march.nivp", every=20), jax.random.key(0)
    solution = nivp.solve(problem, network, method, ts=[0.0, 0.01], key=key, checkpoint=file)
    ```
    """

    path: str | os.PathLike
    every: int = 20

    def __post_init__(self):
        check_path("path", self.path)
        check_count("every", self.every)


def check_checkpoint(checkpoint: Any) -> None:
    """**Raises:** `InputError` for a checkpoint that cannot be written, before the work starts."""
    if checkpoint is None:
        return
    if not isinstance(checkpoint, Checkpoint):
        raise InputError(
            f'`checkpoint` must be made by `nivp.Checkpoint("march.nivp")`, got {checkpoint!r}'
        )
    check_output("checkpoint", checkpoint.path)
