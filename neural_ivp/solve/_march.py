"""The march in time: segments of steps between restarts, and what they leave behind."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from ..evolution import NeuralIVP, State, StepRecord, init, step
from ..fitting import FitProgress, Fitted
from ..networks import AbstractNetwork, flatten
from ..problems import AbstractProblem
from ..solution import Solution
from ._failure import failure
from ._fits import fit_by
from ._progress import Progress, Report
from ._recorder import Recorder

_KEPT = [name for name in StepRecord.__annotations__ if name not in ("velocity0", "velocity1")]
_FLAGS = ("accepted", "finite", "target_finite")


class Kept(Mapping[str, np.ndarray]):
    """Records of steps as one array for each quantity, made when asked for."""

    def __init__(self, records: Sequence[Mapping[str, np.ndarray]]):
        self.records = records

    def __getitem__(self, name: str) -> np.ndarray:
        return np.stack([record[name] for record in self.records])

    def __iter__(self) -> Iterator[str]:
        return iter(self.records[0])

    def __len__(self) -> int:
        return len(self.records[0])


class Mark(NamedTuple):
    """A moment between two attempts: where the march stood, and how much it had kept."""

    state: State
    t: float
    stop: float
    segments: int
    steps: int
    attempts: int
    fits: int


class March:
    """Runs steps on the host's side of the loop and keeps every accepted one.

    All that the rest of a march depends on is in its attributes: see `_packing`.

    - `times`: asked for; the first and the last are those of the march.
    - `state`: of the segment on the way; None between segments.
    - `t`, `stop`: time reached, and the end of the segment.
    - `mark`: the last moment to go back to after an interruption; None before the first.
    """

    def __init__(
        self,
        problem: AbstractProblem,
        network: AbstractNetwork,
        method: NeuralIVP,
        times: np.ndarray,
        key: PRNGKeyArray,
    ):
        self.problem, self.network, self.method = problem, network, method
        self.times, self.t0, self.t1 = times, float(times[0]), float(times[-1])
        self.key = key
        self.fits: list[dict[str, Any]] = []
        self.segments: list[Recorder] = []
        self.records: list[dict[str, np.ndarray]] = []
        self.state: State | None = None
        self.t = self.stop = self.t0
        self.mark: Mark | None = None
        dtmin = method.integrator.dtmin
        self.dtmin = 1e-8 * (self.t1 - self.t0) if dtmin is None else dtmin

    def note_fit(self, t: float, fitted: Fitted, **more: Any) -> None:
        """Keep the measure of a fit or refit."""
        made = more | {
            "t": float(t),
            "relative_l2_error": fitted.relative_l2_error,
            "maximum_error": fitted.maximum_error,
            "steps": fitted.steps,
        }
        rtol = self.method.integrator.rtol
        self.fits.append(made | {"tolerance": rtol} if rtol else made)

    def run(self, progress: Report, keep: Callable[[bool], None]) -> tuple[str, str]:
        """March to the end; a word and a sentence for how it went.

        `keep` is called between attempts, where the whole state may be saved: with True at the
        start of a segment and with False after each attempt.
        """
        while self.t < self.t1:
            if self.state is None:
                state = self._begin()
                keep(True)
            else:
                state = self.state
            while self.t < self.stop:
                goal = self._goal()
                state, record = step(self.problem, self.network, self.method, state, goal)
                self._keep(state, record, goal)
                ending = failure(self, state, record)
                if ending is None:
                    if self._due():
                        self.stop = self.t
                    self.set_mark()
                self._report(progress)
                if ending is not None:
                    return ending
                keep(False)
            self.network = flatten(self.network)[1](state.theta)
            if self.stop < self.t1:
                self._refit(self.stop, progress)
            self.state = None
        return "successful", ""

    def _begin(self) -> State:
        """Begin a segment."""
        stop = min(self.method.restart.next_time(self.t, self.t0), self.t1)
        if self._near_the_end(stop):
            stop = self.t1
        key = jax.random.fold_in(self.key, len(self.segments))
        self.state = init(self.problem, self.network, self.method, self.t, self.t1, key)
        self.stop = stop
        self.segments.append(Recorder(self.t, self.state.theta))
        self.set_mark()
        return self.state

    def set_mark(self) -> None:
        """Say that everything is of one moment. An interruption may come between any two lines."""
        assert self.state is not None
        steps, attempts = len(self.segments[-1].left), len(self.records)
        self.mark = Mark(
            self.state, self.t, self.stop, len(self.segments), steps, attempts, len(self.fits)
        )

    def rewind(self) -> None:
        """Go back to the mark, after an interruption."""
        mark = self.mark
        assert mark is not None
        self.state, self.t, self.stop = mark.state, mark.t, mark.stop
        del self.segments[mark.segments :], self.records[mark.attempts :], self.fits[mark.fits :]
        self.segments[-1].cut(mark.steps)

    def _goal(self) -> float:
        """Where the next step ends at the latest.

        Implicit steps are long, and their ends better than what lies between them: they end at
        the times asked for.
        """
        if not self.method.integrator.scheme.implicit:
            return self.stop
        # Times closer than this are one: rounding would make a step of nothing between them.
        rounding = float(jnp.finfo(flatten(self.network)[0].dtype).eps)
        apart = max(self.dtmin, 8 * rounding * max(abs(self.t0), abs(self.t1)))
        return float(min(self.stop, *self.times[self.times > self.t + apart]))

    def _keep(self, state: State, record: StepRecord, goal: float) -> None:
        """Store a step; the time reached is in double precision whatever the dtype."""
        self.state = state
        self.records.append({name: np.asarray(getattr(record, name)) for name in _KEPT})
        if not bool(record.accepted):
            return
        landed = record.t1 == jnp.asarray(goal, record.t1.dtype)
        self.t = goal if bool(landed) else float(record.t1)
        self.segments[-1].add(self.t, state.theta, record)

    def _report(self, progress: Report) -> None:
        last = self.records[-1]
        numbers = {
            "dt": float(last["t1"] - last["t0"]),
            "iterations": int(last["iterations"]),
            "residual": float(last["projection_residual"]),
            "steps": sum(len(segment.ts) - 1 for segment in self.segments),
            "attempts": len(self.records),
        }
        fraction = (self.t - self.t0) / (self.t1 - self.t0)
        progress(Progress("evolve", fraction, self.t, numbers, record=last))

    def _due(self) -> str:
        """Why the rule wants a restart here; a pure function of what was recorded."""
        count = len(self.segments[-1].left)
        if count == 0 or self._near_the_end(self.t) or not self.records[-1]["accepted"]:
            return ""
        return self.method.restart.due(Kept([r for r in self.records if r["accepted"]][-count:]))

    def _near_the_end(self, t: float) -> bool:
        """Whether a refit would have nothing left to serve."""
        return self.t1 - t < 1e-9 * (self.t1 - self.t0)

    def _refit(self, t: float, progress: Report) -> None:
        """Fit other weights to the current network; what is not good enough is refused."""
        key = jax.random.fold_in(jax.random.fold_in(self.key, len(self.segments)), 1)
        weights_key, fit_key = jax.random.split(key)
        refit = self.method.refit

        def report(made: FitProgress) -> None:
            numbers = {"step": made.step, "error": made.error}
            progress(Progress("refit", made.step / made.total, t, numbers, made.stage))

        begin = refit.begin(self.network, weights_key)
        fitted = fit_by(
            self.method, begin, self.network, self.problem, fit_key, report, stages=refit.stages
        )
        tolerance = refit.tolerance or self.method.integrator.rtol or math.inf
        error = fitted.relative_l2_error
        refused = not (math.isfinite(error) and error <= tolerance)
        self.note_fit(t, fitted, reason=self._due(), refused=refused)
        if not refused:
            self.network = fitted.network

    def solution(self, result: str, message: str) -> Solution:
        """Everything computed so far; after a failure the times end at the last good state."""
        segments = [recorder.segment() for recorder in self.segments]
        reached = float(segments[-1].ts[-1])
        kept = self.times[self.times <= reached]
        if result != "successful" and reached > kept[-1]:
            kept = np.append(kept, reached)
        record = self.record()
        template = jax.tree.map(
            lambda leaf: jnp.zeros_like(leaf) if eqx.is_inexact_array(leaf) else leaf, self.network
        )
        return Solution(self.problem, template, kept, segments, record, result, message, self.fits)

    def record(self) -> dict[str, np.ndarray]:
        """One array per quantity, one entry per attempted step."""
        if not self.records:
            return {name: np.zeros(0, bool if name in _FLAGS else float) for name in _KEPT}
        return {name: np.stack([entry[name] for entry in self.records]) for name in _KEPT}
