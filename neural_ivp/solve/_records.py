"""What a march keeps of its steps, a moment to go back to, and why it cannot continue."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..fitting import FitProgress, FitResult
from ..progress import COMPILING, Progress, ProgressCallback

# Quantities of `StepRecord` that are truth values.
FLAGS = ("accepted", "solved", "target_finite")
# Relative error of an initial fit above which no step is taken.
POOR_FIT = 0.1
# Relative residual of the first velocity of a density, likewise.
POOR_VELOCITY = 0.3


def fit_reporter(progress: ProgressCallback, phase: str, t: float) -> Callable[[FitProgress], None]:
    """A function that reports the progress of a fit as a phase of the solve.

    Of a refit it reports first that it compiles.
    """
    if phase == "refit":
        progress(Progress(phase, 0.0, t, stage=COMPILING))

    def report(part: FitProgress) -> None:
        numbers = {"step": part.step, "error": part.error}
        progress(Progress(phase, part.step / part.total, t, numbers, part.stage))

    return report


def of_densities(word: str, message: str) -> str:
    """The message of a failed march of a density, with what it may mean there."""
    if word == "nonfinite":
        return f"{message}. A diffusion with a negative eigenvalue at a particle gives that"
    if word in ("dt_min_reached", "step_not_solved"):
        return (
            f"{message}. Look whether particles escape to infinity (`solution.sample`), or take "
            "more of them (`DiffusionParticles`)"
        )
    return message


def step_progress(
    records: Sequence[Mapping[str, np.ndarray]],
    steps: int,
    fraction: float,
    t: float,
    stage: str = "",
) -> Progress:
    """The report of an attempted step, the last of `records`; of a `stage` in words, without."""
    if stage:
        return Progress("evolve", fraction, t, stage=stage)
    last = records[-1]
    numbers = {
        "dt": float(last["t1"] - last["t0"]),
        "iterations": int(last["iterations"]),
        "residual": float(last["projection_residual"]),
        "steps": steps,
        "attempts": len(records),
    }
    return Progress("evolve", fraction, t, numbers, record=last)


def fit_entry(t: float, fitted: FitResult, rtol: float, **more: Any) -> dict[str, Any]:
    """The errors of a fit or refit, for `Solution.fits`."""
    entry = more | {
        "t": float(t),
        "relative_l2_error": fitted.relative_l2_error,
        "scaled_maximum_error": fitted.scaled_maximum_error,
        "steps": fitted.steps,
    }
    if fitted.first_residual is not None:
        entry["first_residual"] = fitted.first_residual
    return entry | {"tolerance": rtol} if rtol else entry


class StackedRecords(Mapping[str, np.ndarray]):
    """Records of steps as one array for each quantity, stacked on access."""

    def __init__(self, records: Sequence[Mapping[str, np.ndarray]]):
        self.records = records

    def __getitem__(self, name: str) -> np.ndarray:
        return np.stack([record[name] for record in self.records])

    def __iter__(self) -> Iterator[str]:
        return iter(self.records[0])

    def __len__(self) -> int:
        return len(self.records[0])


class RollbackPoint(NamedTuple):
    """A moment between two attempts: network, `State`, method and recorders, and the lengths of
    what was stored."""

    network: Any
    state: Any
    method: Any
    t: float
    stop: float
    recorders: list[Any]
    segments: int
    steps: int
    attempts: int
    fits: int


def stacked(
    records: Sequence[Mapping[str, np.ndarray]], names: Sequence[str]
) -> dict[str, np.ndarray]:
    """One array for each of the quantities `names`, with an entry per attempted step."""
    if not records:
        return {name: np.zeros(0, bool if name in FLAGS else float) for name in names}
    return dict(StackedRecords(records))


def poor_fit(fits: Sequence[Mapping[str, Any]]) -> str:
    """A sentence if the initial fit is no start of a march; empty otherwise."""
    if fits and fits[0].get("first_residual", 0.0) > POOR_VELOCITY:
        return (
            f"the network cannot follow {fits[0]['first_residual']:.0%} of the first rate of "
            "change of log u: no step was taken. Give it more directions or bumps "
            "(`default_network(problem, num_directions=..., num_bumps=..., key=...)`), or the "
            "method more particles"
        )
    error = fits[0]["relative_l2_error"] if fits else 0.0
    if error <= POOR_FIT:
        return ""
    return (
        f"the initial fit misses the initial value by {error:.1%} of its norm: no step was taken. "
        "Give the fit more steps or other points (`NeuralIVP(fit=...)`; `SequentialMonteCarlo` "
        "finds a narrow initial value), or take a wider or deeper network. An initial value that "
        "contradicts a condition at the boundary has no good fit: change one of them. Where u is "
        "far from size one, give its size as `norm=L2(...)` of the problem"
    )


def failure(
    t: float,
    t1: float,
    dt: float,
    dtmin: float,
    records: Sequence[Mapping[str, np.ndarray]],
    max_steps: int,
    constant: bool,
) -> tuple[str, str] | None:
    """A word and a sentence if the march fails at t before t1, after an attempt; else None.

    **Arguments:**

    - `t`, `t1`: the time reached, and the last time.
    - `dt`, `dtmin`: the next and the smallest step size.
    - `records`: the quantities of `StepRecord` for all attempts.
    - `max_steps`: the largest number of attempts.
    - `constant`: whether the step size is constant.
    """
    if t >= t1:
        return None
    record = records[-1]
    if not dt >= dtmin:
        if not record["target_finite"]:
            cause = "the right-hand side is not finite there"
        elif not record["solved"]:
            cause = (
                "no velocity was found, it or the new values are not finite, or the stages of an "
                "implicit step or the invariants to conserve could not be solved for (try a larger "
                "damping; for implicit steps also more `iterations`, or a smaller constant `dt`)"
            )
        else:
            cause = (
                "the error estimate stays above the tolerance (try larger rtol and atol, or "
                "a larger damping)"
            )
        word = "dt_min_reached" if record["solved"] else "step_not_solved"
        word = word if record["target_finite"] else "nonfinite"
        if constant:
            return word, f"at t = {t:.6g} a step of constant size could not be taken: {cause}"
        return word, f"at t = {t:.6g} the step size fell below {dtmin:.1e}: {cause}"
    if len(records) >= max_steps:
        return (
            "max_steps_reached",
            f"at t = {t:.6g} of {t1:g}, {len(records)} steps were tried, as many as `max_steps` "
            "allows",
        )
    return None
