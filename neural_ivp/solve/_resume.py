"""`resume`: a solve from its checkpoint to its end."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..catalogue import rebuild_or_check
from ..errors import InputError
from ..evolution import NeuralIVP
from ..files import read_file
from ..networks import AbstractNetwork
from ..problems import AbstractProblem
from ..progress import Report, check_progress
from ..solution import Solution
from ._checkpoint import Checkpoint, check_checkpoint, check_path
from ._checkpoint_file import KIND, VERSION, CheckpointWriter, from_arrays, package_version, x64
from ._march import March
from ._run import run_march
from ._stopwatch import Stopwatch, compile_clock


def resume(
    path: str | os.PathLike,
    *,
    problem: AbstractProblem | None = None,
    network: AbstractNetwork | None = None,
    method: NeuralIVP | None = None,
    throw: bool = True,
    progress: Report = lambda progress: None,
    checkpoint: Checkpoint | None = None,
) -> Solution:
    """Go on from a `Checkpoint` of `solve` to the last time: the solution from the first one.

    On the same machine and versions of the packages it is, bit for bit, the one that `solve`
    would have returned (its `seconds` excepted, which leave out what came after the checkpoint).

    **Arguments:**

    - `path`: of the file.
    - `problem`, `network`, `method`: needed only if they were of classes outside this library, or
      have parts that are (a `Problem` from plain functions, say): functions are not stored. They
      must be described as those of the file are; the parameters of the network are not used.
    - `throw`, `progress`: as for `solve`.
    - `checkpoint`: where to write further ones; to the same file, as often as before, if not given.

    **Raises:** `InputError` for a missing, truncated, altered or foreign file, or one of another
    version of the format, if a needed argument is missing or does not match, or if JAX is not in
    the mode (64 or 32 bits) of the file; otherwise as `solve`.
    """
    check_path(path)
    check_checkpoint(checkpoint)
    check_progress(progress)
    saved = read_checkpoint(path, problem=problem, network=network, method=method)
    checkpoint = Checkpoint(path, saved.every) if checkpoint is None else checkpoint
    return go_on(saved, checkpoint, throw=throw, progress=progress)


@dataclass(frozen=True)
class LoadedCheckpoint:
    """What a checkpoint holds: the march, and what `CheckpointWriter` adds."""

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
    try:
        march = from_arrays(header, arrays, **parts)
    except InputError as error:
        versions = f"written by version {header['package']}, this is {package_version()}"
        raise InputError(f"{str(path)!r} ({versions}): {error}") from error
    return LoadedCheckpoint(march, header["every"], header["seconds"])


def go_on(
    saved: LoadedCheckpoint, checkpoint: Checkpoint | None, *, throw: bool, progress: Report
) -> Solution:
    """March from what was saved to the end, writing further checkpoints if there is a place."""
    with compile_clock() as compiling:
        watch = Stopwatch(compiling, saved.seconds)
        writer = CheckpointWriter(checkpoint, saved.march, watch)
        return run_march(writer, throw=throw, progress=progress)
