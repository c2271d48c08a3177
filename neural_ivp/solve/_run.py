"""Run a march to its end, and make its solution; what was reached is never lost."""

import numpy as np

from ..errors import SolveError, SolveInterrupted
from ..networks import flatten
from ..progress import Report
from ..solution import Solution
from ._checkpoint_file import CheckpointWriter
from ._march import March


def run_march(writer: CheckpointWriter, *, throw: bool, progress: Report) -> Solution:
    """Run the march of a writer; what was reached is returned or raised, see `solve`."""
    march = writer.march

    def solution(result: str, message: str) -> Solution:
        return make_solution(march, result, message, writer.watch.seconds())

    try:
        result, message = march.run(progress, writer)
    except KeyboardInterrupt as error:
        if march.rollback_point is None:
            raise
        march.rewind()
        writer.write()
        message = f"interrupted at t = {march.t:.6g} of {march.t1:g}"
        raise SolveInterrupted(message, solution("interrupted", message)) from error
    if throw and result != "successful":
        raise SolveError(message, solution(result, message))
    return solution(result, message)


def make_solution(march: March, result: str, message: str, seconds: dict[str, float]) -> Solution:
    """Everything computed so far; after a failure the times end at the last good state."""
    segments = [recorder.segment() for recorder in march.segments]
    reached = float(segments[-1].ts[-1])
    ts = march.times[march.times <= reached]
    if result != "successful" and reached > ts[-1]:
        ts = np.append(ts, reached)
    theta, rebuild = flatten(march.network)
    template, record = rebuild(0 * theta), march.record()
    return Solution(
        march.problem, template, ts, segments, record, result, message, march.fits, seconds
    )
