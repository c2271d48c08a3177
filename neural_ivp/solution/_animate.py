"""An animation of a solution: its arguments, checked, and its times."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, check_count, check_positive
from ..types import Reference
from ._plot import solution_fields, title_of

MOST_FRAMES = 5_000  # which fit into memory


def animate_solution(
    solution: Any,
    path: str | os.PathLike,
    num_frames: int,
    seconds: float,
    axes: tuple[int, int] | None,
    reference: Reference | None,
) -> Path:
    """Write the animation of a `Solution`; return its path."""
    from .. import plotting  # here, to import matplotlib only for a picture

    if not isinstance(path, str | os.PathLike):
        raise InputError(f"`path` must be that of a file, such as 'u.gif', got {path!r}")
    check_count("num_frames", num_frames, minimum=2)
    check_positive("seconds", seconds)
    if num_frames > MOST_FRAMES:
        raise InputError(f"`num_frames` must be at most {MOST_FRAMES}, got {num_frames}")
    plotting.check_movie(Path(path), num_frames, float(seconds))
    first, last = solution.interval
    if not last > first:
        raise InputError(f"no step was accepted, so that only the time {first:g} is known")
    if not solution.dense:
        raise InputError(
            "this solution is known at its saved times alone, and frames are at others: load a "
            "file that was saved with `dense=True`"
        )
    times = np.linspace(first, last, num_frames)
    fields = solution_fields(solution, reference, axes, times)
    plotting.write_movie(Path(path), title_of(solution), fields, float(seconds))
    return Path(path)
