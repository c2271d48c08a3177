"""Solutions on disk, in the format of `_format`."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import InputError
from ..networks import AbstractNetwork, flatten
from ..problems import AbstractProblem
from ._catalogue import describe
from ._format import read_file, rebuilt, write_file
from ._trajectory import Segment

if TYPE_CHECKING:
    from ._solution import Solution

KIND, VERSION = "solution", 2
_PARTS = ("ts", "theta", "left", "right")


def save(solution: "Solution", path: str | os.PathLike) -> None:
    """Write atomically: a file of that name is either the old one or the whole new one."""
    arrays = {"ts": solution.ts, **segment_arrays(solution.segments)}
    arrays |= {f"record.{name}": values for name, values in solution.record.items()}
    said: dict[str, Any] = {
        "problem": describe(solution.problem),
        "network": describe(solution.template),
        "segments": len(solution.segments),
        "result": solution.result,
        "message": solution.message,
        "fits": solution.fits,
        "seconds": solution.seconds,
    }
    write_file(Path(path), KIND, VERSION, said, arrays)


def load(
    path: str | os.PathLike,
    *,
    problem: AbstractProblem | None = None,
    network: AbstractNetwork | None = None,
) -> "Solution":
    """Read what `Solution.save` wrote; it evaluates bit for bit as before.

    **Arguments:**

    - `path`: of the file.
    - `problem`, `network`: needed only if they were of classes outside this library (a
      `Problem` from plain functions, say): functions are not stored.

    **Raises:** `InputError` for a missing, truncated, altered or foreign file, or if a needed
    argument is missing or does not match.
    """
    from ._solution import Solution

    header, arrays = read_file(Path(path), KIND, VERSION)
    whole = rebuilt("problem", header["problem"], problem, AbstractProblem, "load")
    template = rebuilt("network", header["network"], network, AbstractNetwork, "load")
    segments = segments_from(arrays, header["segments"])
    check_size(template, segments)
    return Solution(
        problem=whole,
        template=template,
        ts=arrays["ts"],
        segments=segments,
        record=record_from(arrays),
        result=header["result"],
        message=header["message"],
        fits=header["fits"],
        seconds=header["seconds"],
    )


def segment_arrays(segments: Sequence[Segment]) -> dict[str, np.ndarray]:
    """The arrays of segments by the names that they have in a file."""
    return {
        f"segment{k}.{part}": getattr(segment, part)
        for k, segment in enumerate(segments)
        for part in _PARTS
    }


def segments_from(arrays: Mapping[str, np.ndarray], count: int) -> list[Segment]:
    """The way back from `segment_arrays`."""
    return [Segment(*(arrays[f"segment{k}.{part}"] for part in _PARTS)) for k in range(count)]


def record_from(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What a file holds of each attempted step."""
    return {k.removeprefix("record."): v for k, v in arrays.items() if k.startswith("record.")}


def check_size(network: AbstractNetwork, segments: Sequence[Segment]) -> None:
    """**Raises:** `InputError` if a file's parameters are not those of this network."""
    p, held = flatten(network)[0].size, segments[0].theta.shape[1]
    if held != p:
        raise InputError(
            f"`network` has {p} parameters, the file {held}: pass the network that was solved with"
        )
