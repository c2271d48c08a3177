"""A solution in a few lines."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..display import count
from ..evolution import Segment
from ..problems import AbstractProblem


def summary(
    problem: AbstractProblem,
    ts: np.ndarray,
    segments: Sequence[Segment],
    record: Mapping[str, np.ndarray],
    result: str,
    message: str,
    fits: Sequence[Mapping[str, Any]],
    seconds: Mapping[str, float],
) -> tuple[str, Mapping[str, str]]:
    """The title and the rows of a `Solution` with these fields; nothing is evaluated."""
    accepted, restarts = record["accepted"], max(len(fits) - 1, 0)
    start, end = float(segments[0].ts[0]), float(segments[-1].ts[-1])
    steps = f"{int(accepted.sum())} accepted, {int((~accepted).sum())} rejected"
    rows = {
        # The message on an interruption begins with that word.
        "result": message if message.startswith(result) else f"{result}{message and ': '}{message}",
        "interval": f"[{start:g}, {end:g}], {len(ts)} saved time{'s' * (len(ts) > 1)}",
        "parameters": count(segments[-1].theta.shape[1]),
        "steps": steps + (f", {restarts} restarts" if restarts else ""),
    }
    if fits:
        rows["initial fit"] = f"held-out relative L2 error {fits[0]['relative_l2_error']:.1e}"
    if len(accepted):
        rows["last step"] = f"relative residual {float(record['projection_residual'][-1]):.1e}"
    if "total" in seconds:
        rows["seconds"] = f"{seconds['total']:.1f}, {seconds['compile']:.1f} of them compiling"
    return f"Solution of {problem.name}", rows
