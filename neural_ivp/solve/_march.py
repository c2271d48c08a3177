"""The march in time: segments of steps between restarts, and what they leave behind."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from ..evolution import NeuralIVP, State, StepRecord, init, step
from ..fitting import FitProgress, Fitted
from ..networks import AbstractNetwork, flatten
from ..problems import AbstractProblem
from ..solution import Segment, Solution
from ._fits import fit_by
from ._progress import Progress, Report

_KEPT = [name for name in StepRecord.__annotations__ if not name.startswith("velocity")]


class March:
    """Runs steps on the host's side of the loop and keeps every accepted one."""

    def __init__(
        self,
        problem: AbstractProblem,
        network: AbstractNetwork,
        method: NeuralIVP,
        t0: float,
        t1: float,
        key: PRNGKeyArray,
    ):
        self.problem, self.network, self.method = problem, network, method
        self.t0, self.t1, self.key = float(t0), float(t1), key
        self.fits: list[dict[str, float]] = []
        self.segments: list[_Recorder] = []
        self.records: list[dict] = []
        dtmin = method.integrator.dtmin
        self.dtmin = 1e-8 * (self.t1 - self.t0) if dtmin is None else dtmin

    def note_fit(self, t: float, fitted: Fitted) -> None:
        """Keep the measure of a fit or refit."""
        self.fits.append(
            {
                "t": float(t),
                "relative_l2_error": fitted.relative_l2_error,
                "maximum_error": fitted.maximum_error,
                "steps": fitted.steps,
                "tolerance": self.method.integrator.rtol,
            }
        )

    def run(self, progress: Report) -> tuple[str, str]:
        """March to the end; a word and a sentence for how it went."""
        t, attempts = self.t0, 0
        while t < self.t1:
            stop = min(self.method.restart.next_time(t, self.t0), self.t1)
            if self.t1 - stop < 1e-9 * (self.t1 - self.t0):
                stop = self.t1  # no refit at the very end
            segment_key = jax.random.fold_in(self.key, len(self.segments))
            state = init(self.problem, self.network, self.method, t, self.t1, segment_key)
            self.segments.append(_Recorder(t, state.theta))
            while t < stop:
                state, record = step(self.problem, self.network, self.method, state, stop)
                t = self._keep(state, record, t, stop)
                attempts += 1
                failure = self._failure(state, record, t, attempts)
                self._report(progress, t, state)
                if failure is not None:
                    return failure
            self.network = flatten(self.network)[1](state.theta)
            if stop < self.t1:
                self._refit(stop, progress)
        return "successful", ""

    def _keep(self, state: State, record: StepRecord, t: float, stop: float) -> float:
        """Store a step; the time reached, in double precision whatever the dtype."""
        self.records.append({name: np.asarray(getattr(record, name)) for name in _KEPT})
        if not bool(record.accepted):
            return t
        landed = record.t1 == jnp.asarray(stop, record.t1.dtype)
        t = stop if bool(landed) else float(record.t1)
        self.segments[-1].add(t, state.theta, record)
        return t

    def _failure(self, state, record, t: float, attempts: int) -> tuple[str, str] | None:
        integrator = self.method.integrator
        if t >= self.t1:
            return None
        if not float(state.dt) >= self.dtmin:
            if not bool(record.target_finite):
                cause = "the right-hand side is not finite there"
            elif not bool(record.finite):
                cause = (
                    "no velocity was found, or it or the new values are not finite (try a "
                    "larger damping)"
                )
            else:
                cause = (
                    "the error estimate stays above the tolerance (try larger rtol and atol, or "
                    "a larger damping)"
                )
            word = "dt_min_reached" if bool(record.finite) else "nonfinite"
            return word, f"at t = {t:.6g} the step size fell below {self.dtmin:.1e}: {cause}"
        if attempts >= integrator.max_steps:
            return (
                "max_steps_reached",
                f"at t = {t:.6g} of {self.t1:g}, {attempts} steps were tried, as many as "
                "`max_steps` allows",
            )
        return None

    def _report(self, progress: Report, t: float, state: State) -> None:
        last = self.records[-1]
        numbers = {
            "dt": float(last["t1"] - last["t0"]),
            "iterations": int(last["iterations"]),
            "residual": float(last["projection_residual"]),
            "steps": sum(len(segment.ts) - 1 for segment in self.segments),
            "attempts": len(self.records),
        }
        progress(Progress("evolve", (t - self.t0) / (self.t1 - self.t0), t, numbers))

    def _refit(self, t: float, progress: Report) -> None:
        """Fit freshly drawn weights to the current network."""
        key = jax.random.fold_in(jax.random.fold_in(self.key, len(self.segments)), 1)
        weights_key, fit_key = jax.random.split(key)
        rule = self.method.restart
        stages = self.method.fit if rule.fit is None else rule.fit

        def report(made: FitProgress) -> None:
            numbers = {"step": made.step, "error": made.error}
            progress(Progress("refit", made.step / made.total, t, numbers, made.stage))

        fresh = self.network.redrawn(weights_key)
        fitted = fit_by(
            self.method, fresh, self.network, self.problem, fit_key, report, stages=stages
        )
        self.note_fit(t, fitted)
        self.network = fitted.network

    def solution(self, times: np.ndarray, result: str, message: str) -> Solution:
        """Everything computed so far; after a failure the times end at the last good state."""
        segments = [recorder.segment() for recorder in self.segments]
        reached = float(segments[-1].ts[-1])
        kept = times[times <= reached]
        if result != "successful" and reached > kept[-1]:
            kept = np.append(kept, reached)
        record = {name: np.stack([entry[name] for entry in self.records]) for name in _KEPT}
        template = jax.tree.map(
            lambda leaf: jnp.zeros_like(leaf) if eqx.is_inexact_array(leaf) else leaf, self.network
        )
        return Solution(self.problem, template, kept, segments, record, result, message, self.fits)


class _Recorder:
    """Accepted steps of one segment, on the host."""

    def __init__(self, t: float, theta):
        self.ts, self.theta = [t], [np.asarray(theta)]
        self.left: list[np.ndarray] = []
        self.right: list[np.ndarray] = []

    def add(self, t: float, theta, record: StepRecord) -> None:
        self.ts.append(t)
        self.theta.append(np.asarray(theta))
        self.left.append(np.asarray(record.velocity0))
        self.right.append(np.asarray(record.velocity1))

    def segment(self) -> Segment:
        p, dtype = self.theta[0].size, self.theta[0].dtype
        empty = np.zeros((0, p), dtype)
        return Segment(
            np.asarray(self.ts),
            np.stack(self.theta),
            np.stack(self.left) if self.left else empty,
            np.stack(self.right) if self.right else empty,
        )
