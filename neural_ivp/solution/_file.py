"""The file of a solution: its trajectory, or its saved times alone."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import check_kind
from ..evolution import (
    check_num_parameters,
    record_from,
    segment_arrays,
    segments_from,
    segments_of_states,
)
from ..files import check_output, check_path, read_file, write_file
from ..networks import AbstractNetwork
from ..problems import fingerprint

KIND, VERSION = "solution", 3
_PLAIN = ("result", "message", "fits", "seconds")  # fields of plain data


def write_solution(
    solution: Any, path: str | os.PathLike, parts: Mapping[str, Any], *, dense: bool
) -> None:
    """Write a `Solution`; without `dense` its parameters at the saved times alone.

    `parts` has its problem and its network as tables of `describe`.
    """
    file = check_output("path", path)
    check_kind("dense", dense, bool)
    arrays = {"ts": solution.ts}
    if dense and solution.dense:
        header: dict[str, Any] = {"segments": len(solution.segments)}
        arrays |= segment_arrays(solution.segments)
    else:  # no segments: a version that does not know such files cannot take it for a trajectory
        header = {"dense": False}
        arrays["parameters"] = solution.parameters
    arrays |= {f"record.{name}": values for name, values in solution.record.items()}
    header |= {"fingerprint": fingerprint(solution.problem), **parts}
    header |= {name: getattr(solution, name) for name in _PLAIN}
    write_file(file, KIND, VERSION, header, arrays)


def read_solution(path: str | os.PathLike) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of the file of a solution."""
    return read_file(check_path("path", path), KIND, VERSION)


def fields_from(
    header: Mapping[str, Any], arrays: Mapping[str, np.ndarray], template: AbstractNetwork
) -> dict[str, Any]:
    """The fields of a `Solution` after problem and network, by their names."""
    if header.get("dense", True):
        segments = segments_from(arrays, header["segments"], template)
    else:
        segments = segments_of_states(arrays["ts"], arrays["parameters"])
    check_num_parameters(template, segments)
    plain = {name: header[name] for name in _PLAIN}
    return dict(ts=arrays["ts"], segments=segments, record=record_from(arrays), **plain)
