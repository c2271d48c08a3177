"""The march of `solve` to its end, and `resume`: the same from a checkpoint."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .._errors import InputError, Interrupted, SolveError
from ..evolution import NeuralIVP
from ..networks import AbstractNetwork
from ..problems import AbstractProblem
from ..solution import Solution
from ..solution._format import read_file, rebuilt
from ._checkpoint import (
    KIND,
    VERSION,
    Checkpoint,
    Keeper,
    check_checkpoint,
    check_path,
    package_version,
)
from ._march import March
from ._packing import unpacked, x64
from ._progress import Report, check_progress, compile_clock
from ._stopwatch import Stopwatch


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
class Saved:
    """What a checkpoint holds: the march, and what `Keeper` adds."""

    march: March
    every: int
    seconds: Mapping[str, float]


def read_checkpoint(
    path: str | os.PathLike,
    *,
    problem: AbstractProblem | None = None,
    network: AbstractNetwork | None = None,
    method: NeuralIVP | None = None,
) -> Saved:
    """Read a checkpoint. **Raises:** as `resume`."""
    path = Path(path)
    said, arrays = read_file(path, KIND, VERSION)
    if said["x64"] != x64():
        bits, value = (64, True) if said["x64"] else (32, False)
        raise InputError(
            f"{str(path)!r} was written in JAX's {bits}-bit mode (its parameters are "
            f'{said["dtype"]}): jax.config.update("jax_enable_x64", {value}) before the first array'
        )
    given = dict(problem=problem, network=network, method=method)
    kinds = dict(problem=AbstractProblem, network=AbstractNetwork, method=NeuralIVP)
    parts = {name: rebuilt(name, said[name], given[name], kinds[name], "resume") for name in kinds}
    try:
        march = unpacked(said, arrays, **parts)
    except InputError as error:
        versions = f"written by version {said['package']}, this is {package_version()}"
        raise InputError(f"{str(path)!r} ({versions}): {error}") from error
    return Saved(march, said["every"], said["seconds"])


def go_on(
    saved: Saved, checkpoint: Checkpoint | None, *, throw: bool, progress: Report
) -> Solution:
    """March from what was saved to the end, writing further checkpoints if there is a place."""
    with compile_clock() as compiling:
        watch = Stopwatch(compiling, saved.seconds)
        keeper = Keeper(checkpoint, saved.march, watch)
        return march_to_the_end(keeper, throw=throw, progress=progress)


def march_to_the_end(keeper: Keeper, *, throw: bool, progress: Report) -> Solution:
    """Run the march of a keeper; what was reached is returned or raised, see `solve`."""
    march = keeper.march

    def solution(result: str, message: str) -> Solution:
        made = march.solution(result, message)
        made.seconds.update(keeper.watch.seconds())
        return made

    try:
        result, message = march.run(progress, keeper)
    except KeyboardInterrupt as error:
        if march.mark is None:
            raise
        march.rewind()
        keeper.write()
        message = f"interrupted at t = {march.t:.6g} of {march.t1:g}"
        raise Interrupted(message, solution("interrupted", message)) from error
    if throw and result != "successful":
        raise SolveError(message, solution(result, message))
    return solution(result, message)
