"""The march in time: segments of steps between restarts."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from ..evolution import (
    RECORDED,
    ConstantStep,
    NeuralIVP,
    SegmentRecorder,
    State,
    StepRecord,
    enlarged,
    grown,
    init,
    is_adaptive,
    refit_network,
    sized,
    step,
    wants_directions,
    with_chosen_rank,
    with_particles,
)
from ..fitting import FitResult
from ..networks import AbstractNetwork, flatten
from ..problems import AbstractProblem
from ..progress import COMPILING, ProgressCallback
from ._memory import memory_excess
from ._records import (
    RollbackPoint,
    StackedRecords,
    failure,
    fit_entry,
    fit_reporter,
    poor_fit,
    stacked,
    step_progress,
)
from ._step_limit import step_limit


class March:
    """The loop over steps on the host, which stores all accepted steps.

    Only its methods write its attributes. Those after `key` are arguments to continue a march.

    - `given`, `method`: the method, and the same with the sizes that were chosen for it.
    - `times`: to save; the first and the last are those of the march.
    - `state`: of the current segment; None between segments.
    - `t`, `stop`: the time reached, and the end of the segment.
    - `rollback_point`: for `rewind` after an interruption; None before the first segment.
    - `checked`: of which the memory of a step was predicted; `progress`, `save`: those of `run`.
    """

    def __init__(
        self,
        problem: AbstractProblem,
        network: AbstractNetwork,
        method: NeuralIVP,
        times: np.ndarray,
        key: PRNGKeyArray,
        *,
        state: State | None = None,
        t: float | None = None,
        stop: float | None = None,
        segments: Sequence[SegmentRecorder] = (),
        records: Sequence[dict[str, np.ndarray]] = (),
        fits: Sequence[dict[str, Any]] = (),
        sizes: Sequence[int] | None = None,
    ):
        self.problem, self.network, self.given = problem, network, method
        self.method = method if sizes is None else sized(method, *sizes)
        self.times, self.t0, self.t1 = times, float(times[0]), float(times[-1])
        self.key, self.state = key, state
        self.t = self.t0 if t is None else t
        self.stop = self.t0 if stop is None else stop
        self.segments, self.records, self.fits = list(segments), list(records), list(fits)
        dtmin = method.integrator.dtmin
        self.dtmin = 1e-8 * (self.t1 - self.t0) if dtmin is None else dtmin
        self.rollback_point: RollbackPoint | None = None
        self.checked: tuple[AbstractNetwork, NeuralIVP, int] | None = None
        if state is not None:
            self._set_rollback_point()

    @property
    def sizes(self) -> tuple[int, int] | None:
        """The rank and the number of points that were chosen; None if they were given."""
        if self.method.growth is not None:
            return 0, self.method.sampler.num_points
        if not is_adaptive(self.given):
            return None
        return self.method.velocity_solver.rank, self.method.sampler.num_points  # pyright: ignore

    def note_fit(self, t: float, fitted: FitResult, **more: Any) -> None:
        """Store the errors of a fit or refit."""
        self.fits.append(fit_entry(t, fitted, self.method.integrator.rtol, **more))

    def run(self, progress: ProgressCallback, save: Callable[[bool], None]) -> tuple[str, str]:
        """March to the end; the result in a word and a message.

        `save` is called between attempts: with True at the start of a segment and with False after
        each attempt.
        """
        self.progress, self.save = progress, save
        if self.state is None and (message := poor_fit(self.fits)):
            return "poor_fit", message
        self._report(COMPILING)
        while self.t < self.t1:
            if self.state is None:
                self._begin_segment()
                save(True)
            if (ending := self._run_segment()) is not None:
                return ending
            if self.stop < self.t1:
                self._refit(self.stop)
            self.state = None
        return "successful", ""

    def _run_segment(self) -> tuple[str, str] | None:
        """March to the end of the segment; a word and a message if that fails."""
        integrator = self.method.integrator
        constant = isinstance(integrator, ConstantStep)
        short = constant and not integrator.scheme.implicit  # explicit steps of constant size
        while self.t < self.stop:
            self._grow()
            assert self.state is not None
            until = self.times, self.t, self.stop, self.dtmin, self.state.theta.dtype
            limit = self.stop if short else step_limit(*until)
            if message := self._memory_excess(self.state, limit):
                return "out_of_memory", message
            state, record = step(self.problem, self.network, self.method, self.state, limit)
            if self._enlarge(record):
                continue
            self._record(state, record, limit)
            numbers = self.t, self.t1, float(state.dt), self.dtmin
            ending = failure(*numbers, self.records, integrator.max_steps, constant)
            if ending is None:
                if self._restart_reason():
                    self.stop = self.t
                self._set_rollback_point()
            self._report()
            if ending is not None:
                return ending
            self.save(False)
        assert self.state is not None
        self.network = flatten(self.network)[1](self.state.theta)
        return None

    def _begin_segment(self) -> None:
        stop = min(self.method.restart.next_time(self.t, self.t0), self.t1)
        key = jax.random.fold_in(self.key, len(self.segments))
        if is_adaptive(self.given):
            self.method = with_chosen_rank(self.problem, self.network, self.given, self.t, key)
        self.method = with_particles(self.method, self.network)
        parts = self.problem, self.network, self.method
        self.state = init(*parts, self.t, self.t1, key, start=self.t0)
        self.stop = self.t1 if self._near_the_end(stop) else stop
        self.segments.append(SegmentRecorder.begin(self.t, self.network))
        self._set_rollback_point()

    def _enlarge(self, record: StepRecord) -> bool:
        """Enlarge what was too small for this attempt, which is then made again."""
        if not is_adaptive(self.given):
            return False
        assert self.state is not None
        before = self.method
        parts = self.problem, self.network, before, self.state, record
        self.method, self.state = enlarged(*parts)
        self._set_rollback_point()
        return self.method is not before

    def _memory_excess(self, state: State, limit: float) -> str:
        """Why the next step does not fit into the memory; empty if it does, or is like the last."""
        last, self.checked = self.checked, (self.network, self.method, state.theta.size)
        if last is not None and last[0] is self.network and last[1] is self.method:
            return ""
        if last is not None and last[1:] != self.checked[1:]:  # not for a network of the same sizes
            self._report(COMPILING)
        return memory_excess(self.problem, self.network, self.method, state, limit)

    def _grow(self) -> None:
        """Add directions to the network of a density that asks for them after an accepted step.

        Without a rollback point: an interruption until the next step returns to before.
        """
        if not wants_directions(self.network, self.method, self.records):
            return
        parts = self.network, self.method, self.state, self.segments
        self.network, self.method, self.state, self.segments = grown(self.problem, *parts)

    def _set_rollback_point(self) -> None:
        """Store the current moment; an interruption may come between any two lines."""
        assert self.state is not None
        counts = len(self.segments), len(self.segments[-1].left), len(self.records), len(self.fits)
        parts = self.network, self.state, self.method, self.t, self.stop, self.segments
        self.rollback_point = RollbackPoint(*parts, *counts)

    def rewind(self) -> None:
        """Return to the rollback point after an interruption."""
        point = self.rollback_point
        assert point is not None
        self.network, self.state, self.method = point.network, point.state, point.method
        self.t, self.stop, self.segments = point.t, point.stop, point.recorders
        del self.segments[point.segments :], self.records[point.attempts :], self.fits[point.fits :]
        self.segments[-1].cut(point.steps)

    def _record(self, state: State, record: StepRecord, limit: float) -> None:
        """Store a step; `t` is in double precision for every dtype."""
        self.state = state
        self.records.append({name: np.asarray(getattr(record, name)) for name in RECORDED})
        if not bool(record.accepted):
            return
        at_limit = bool(record.t1 == jnp.asarray(limit, record.t1.dtype))
        self.t = limit if at_limit else float(record.t1)
        self.segments[-1].add(self.t, state.theta, record)

    def _report(self, stage: str = "") -> None:
        steps = sum(len(segment.ts) - 1 for segment in self.segments)
        fraction = (self.t - self.t0) / (self.t1 - self.t0)
        self.progress(step_progress(self.records, steps, fraction, self.t, stage))

    def _restart_reason(self) -> str:
        """The reason of the rule to restart now, from the records alone; empty for none."""
        count = len(self.segments[-1].left)
        if count == 0 or self._near_the_end(self.t) or not self.records[-1]["accepted"]:
            return ""
        accepted = [record for record in self.records if record["accepted"]]
        return self.method.restart.due(StackedRecords(accepted[-count:]))

    def _near_the_end(self, t: float) -> bool:
        """Whether a restart at t is too close to the end to be useful."""
        return self.t1 - t < 1e-9 * (self.t1 - self.t0)

    def _refit(self, t: float) -> None:
        """Fit new weights to the current u, or keep the old ones if the fit is not accurate."""
        key = jax.random.fold_in(jax.random.fold_in(self.key, len(self.segments)), 1)
        parts = self.method, self.network, self.problem, t, key
        fitted, refused = refit_network(*parts, fit_reporter(self.progress, "refit", t))
        self.note_fit(t, fitted, reason=self._restart_reason(), refused=refused)
        if not refused:
            self.network = fitted.network

    def record(self) -> dict[str, np.ndarray]:
        """One array per quantity, with an entry per attempted step."""
        return stacked(self.records, RECORDED)
