"""`resume`: continue a solve from its checkpoint."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..catalogue import rebuild_or_check
from ..errors import InputError
from ..evolution import NeuralIVP
from ..files import check_path, package_version, read_file
from ..networks import AbstractNetwork
from ..problems import AbstractProblem, check_fingerprint
from ..progress import ProgressCallback, check_progress, displayed
from ..solution import Solution
from ._checkpoint import Checkpoint, check_checkpoint
from ._checkpoint_file import KIND, VERSION, CheckpointWriter, from_arrays, x64
from ._march import March
from ._run_march import run_march
from ._stopwatch import Stopwatch, compile_clock


def resume(
    path: str | os.PathLike,
    *,
    problem: AbstractProblem | None = None,
    network: AbstractNetwork | None = None,
    method: NeuralIVP | None = None,
    throw: bool = True,
    progress: ProgressCallback | bool | None = None,
    checkpoint: Checkpoint | None = None,
) -> Solution:
    """Continue a `solve` from its `Checkpoint` to the last time.

    On the same machine and package versions the solution is, bit for bit, that of an uninterrupted
    `solve`, except for `seconds`.

    **Arguments:**

    - `path`: of the file.
    - `problem`, `network`, `method`: those of the solve; needed only for classes outside this
      library and for a `Problem` from plain functions, since functions are not stored. The
      parameters of the network are not used.
    - `throw`, `progress`: as for `solve`.
    - `checkpoint`: of the rest of the march; the same file, as often as before, if not given.

    **Returns:** a `Solution` from the first time on.

    **Raises:** `InputError` for a missing, truncated, altered or foreign file, if a needed argument
    is missing or does not match, or if JAX is not in the 64-bit or 32-bit mode of the file;
    otherwise as `solve`.

    ```python
    file, key = nivp.Checkpoint("march.nivp"), jax.random.key(0)
    nivp.solve(problem, network, method, ts=[0.0, 0.01], key=key, checkpoint=file)
    solution = nivp.resume("march.nivp")
    ```
    """
    check_path("path", path)
    check_checkpoint(checkpoint)
    check_progress(progress)
    saved = read_checkpoint(path, problem=problem, network=network, method=method)
    checkpoint = Checkpoint(path, saved.every) if checkpoint is None else checkpoint
    with displayed(progress) as report:
        return continue_solve(saved, checkpoint, throw=throw, progress=report)


@dataclass(frozen=True)
class LoadedCheckpoint:
    """The march in a checkpoint, with the `every` and `seconds` of its `CheckpointWriter`."""

    march: March
    every: int
    seconds: Mapping[str, float]


def read_checkpoint(
    path: str | os.PathLike,
    *,
    problem: AbstractProblem | None = None,
    network: AbstractNetwork | None = None,
    method: NeuralIVP | None = None,
) -> LoadedCheckpoint:
    """Read a checkpoint. **Raises:** as `resume`."""
    path = Path(path)
    header, arrays = read_file(path, KIND, VERSION)
    if header["x64"] != x64():
        bits, value = (64, True) if header["x64"] else (32, False)
        raise InputError(
            f"{str(path)!r} was written in JAX's {bits}-bit mode (its parameters are "
            f"{header['dtype']}): call jax.config.update('jax_enable_x64', {value}) before the "
            "first array"
        )
    given = dict(problem=problem, network=network, method=method)
    kinds = dict(problem=AbstractProblem, network=AbstractNetwork, method=NeuralIVP)
    parts = {
        name: rebuild_or_check(name, header[name], given[name], kinds[name], "resume")
        for name in kinds
    }
    check_fingerprint(parts["problem"], header["fingerprint"])
    try:
        march = from_arrays(header, arrays, **parts)
    except InputError as error:
        versions = f"written by version {header['package']}, this is {package_version()}"
        raise InputError(f"{str(path)!r} ({versions}): {error}") from error
    return LoadedCheckpoint(march, header["every"], header["seconds"])


def continue_solve(
    saved: LoadedCheckpoint,
    checkpoint: Checkpoint | None,
    *,
    throw: bool,
    progress: ProgressCallback,
) -> Solution:
    """Run the rest of a march, with further checkpoints if `checkpoint` is given."""
    with compile_clock() as compiling:
        watch = Stopwatch(compiling, saved.seconds)
        writer = CheckpointWriter(checkpoint, saved.march, watch)
        return run_march(writer, throw=throw, progress=progress)
