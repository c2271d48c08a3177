"""The methods of a `Solution` that draw it."""

import abc
import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..evolution import Segment
from ..problems import AbstractProblem, check_function
from ..types import Reference
from ._animate import animate_solution
from ._plot import plot_solution

if TYPE_CHECKING:
    import matplotlib.figure


class AbstractPictureMethods(abc.ABC):
    """A figure and an animation of u, for a `Solution` to inherit."""

    problem: AbstractProblem
    ts: np.ndarray
    segments: Sequence[Segment]

    @property
    @abc.abstractmethod
    def interval(self) -> tuple[float, float]:
        """The first and the last time at which u is known."""

    @property
    @abc.abstractmethod
    def description(self) -> Mapping[str, Any]:
        """The problem as a table of its class and arguments."""

    def plot(
        self, reference: Reference | None = None, *, axes: tuple[int, int] | None = None
    ) -> "matplotlib.figure.Figure":
        """A figure of network, reference and pointwise error at a few times, and of the march.

        In one dimension these are curves, in two maps of the first component. In more they are maps
        of a plane through the point where |u|, relative to its maximum at each time drawn, is
        largest on average; of a density in R^d its marginals of three coordinates and of a pair.

        **Arguments:**

        - `reference`: as for `error`; where none is known, the figure shows the network alone.
        - `axes`: the two coordinates of the plane or of the pair, from 0. If not given, the first
          two; of a density in R^d the two with the largest correlation.

        **Returns:** a matplotlib `Figure`, whose `savefig` needs no display; a notebook shows it.

        **Raises:** `InputError` for `axes` that the problem does not have, or a `reference` that
        is no function.

        ```python
        solution.plot().savefig("u.png")
        ```
        """
        if reference is None:
            # A problem may refuse that of some of its own arguments; the network is there to see.
            with contextlib.suppress(InputError):
                reference = self.problem.reference(float(self.ts[0]))
        else:
            check_function("`reference`", reference, "t, points")
        return plot_solution(self, reference, axes)

    def animate(
        self,
        path: str | os.PathLike,
        *,
        num_frames: int = 60,
        seconds: float = 6.0,
        axes: tuple[int, int] | None = None,
        reference: Reference | None = None,
    ) -> Path:
        """Write u in motion, as a GIF or as an MP4 by the suffix of `path`.

        The frames are at equal steps of time over the whole interval and show what `plot` shows at
        its times, on scales that are the same for all of them.

        **Arguments:**

        - `path`: of the file, which ends in .gif or .mp4.
        - `num_frames`: the number of frames.
        - `seconds`: the duration.
        - `axes`: as for `plot`.
        - `reference`: as for `error`, drawn dashed, or as a map of its own. Only one that is given
          is drawn: that of the problem, `problem.reference(ts[0])`, may take long at all frames.

        **Returns:** the path.

        **Raises:** `InputError` for another suffix, a folder that does not exist, a solution of one
        time, or an MP4 where the program ffmpeg is not installed; `OSError` for a file that cannot
        be written.

        ```python
        solution.animate("u.gif", num_frames=20, seconds=2.0)
        ```
        """
        if reference is not None:
            check_function("`reference`", reference, "t, points")
        return animate_solution(self, path, num_frames, seconds, axes, reference)
