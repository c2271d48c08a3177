"""A march to its end, and the solution that it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import SolveError, SolveInterrupted
from ..evolution import SegmentRecorder
from ..networks import flatten
from ..problems import AbstractDensityProblem
from ..progress import ProgressCallback
from ..solution import Solution
from ._records import of_densities

if TYPE_CHECKING:
    from ._checkpoint_file import CheckpointWriter


def run_march(writer: CheckpointWriter, *, throw: bool, progress: ProgressCallback) -> Solution:
    """Run the march of a writer; the solution so far is returned or raised, see `solve`."""
    march = writer.march

    def solution(result: str, message: str) -> Solution:
        # Before the first step the fit of the initial value is all there is.
        start = SegmentRecorder.begin(march.t, march.network)
        recorders = [start] if march.rollback_point is None else march.segments
        segments = [recorder.segment() for recorder in recorders]
        reached = float(segments[-1].ts[-1])
        ts = march.times[march.times <= reached]
        if result != "successful" and reached > ts[-1]:
            ts = np.append(ts, reached)  # the time of the last accepted step
        theta, rebuild = flatten(march.network)
        template, record, seconds = rebuild(0 * theta), march.record(), writer.watch.seconds()
        return Solution(
            march.problem, template, ts, segments, record, result, message, march.fits, seconds
        )

    try:
        result, message = march.run(progress, writer)
        if isinstance(march.problem, AbstractDensityProblem):
            message = of_densities(result, message)
    except KeyboardInterrupt as error:
        if march.rollback_point is not None:
            march.rewind()
            writer.write()
        message = f"interrupted at t = {march.t:.6g} of {march.t1:g}"
        raise SolveInterrupted(message, solution("interrupted", message)) from error
    if throw and result != "successful":
        raise SolveError(message, solution(result, message))
    return solution(result, message)
