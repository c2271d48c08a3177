"""What `solve` returns: u(t, x) at any time of the interval and any point."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ..catalogue import describe, rebuild_or_check
from ..diagnostics import ErrorReport, measure_errors, reference_for, report
from ..errors import InputError
from ..evolution import (
    Segment,
    check_size,
    evaluate,
    record_from,
    segment_arrays,
    segments_from,
)
from ..files import read_file, write_file
from ..networks import AbstractNetwork, field_at, flatten
from ..problems import AbstractProblem
from ..types import Field, Reference
from ._plot import plot_solution

if TYPE_CHECKING:
    import matplotlib.figure

KIND, VERSION = "solution", 3


@dataclass(frozen=True)
class Solution:
    """u(t, x) as a network whose parameters depend on time.

    - `problem`: what was solved.
    - `template`: the network's architecture (its own parameters are not used).
    - `ts`: the saved times reached, increasing; the interval is [ts[0], ts[-1]] and, after a
      failure, ends at the last good state.
    - `segments`: parameters and velocities at the accepted steps, cut at restarts.
    - `record`: one array per quantity of `StepRecord` (but the velocities), one entry per attempted
      step.
    - `result`: "successful", or a word for why not; `message`: the sentence.
    - `fits`: of the initial fit and each refit the time, held-out relative L2 and maximum error,
      steps, and the tolerance of the march; of a refit its reason and whether it was refused.
    - `seconds`: wall seconds of `compile`, `fit`, `evolve` and `total`.
    """

    problem: AbstractProblem
    template: AbstractNetwork
    ts: np.ndarray
    segments: Sequence[Segment]
    record: dict[str, np.ndarray]
    result: str
    message: str
    fits: list[dict[str, Any]]
    seconds: dict[str, float] = field(default_factory=dict)

    @cached_property
    def parameters(self) -> np.ndarray:
        """The parameters at the saved times, shape (len(ts), p)."""
        return np.stack([evaluate(self.segments, float(t)) for t in self.ts])

    @property
    def interval(self) -> tuple[float, float]:
        """The first and the last time at which the solution is known."""
        return float(self.segments[0].ts[0]), float(self.segments[-1].ts[-1])

    def network(self, t: float) -> AbstractNetwork:
        """The network at time t: a function of one point of shape (d,).

        **Raises:** `InputError` for a time outside the interval.
        """
        t = float(t)
        first, last = self.interval
        if not first <= t <= last:
            raise InputError(f"`t` = {t} lies outside the solved interval [{first}, {last}]")
        _, rebuild = flatten(self.template)
        return rebuild(jnp.asarray(evaluate(self.segments, t)))

    def field(self, t: float) -> Field:
        """u(t, .): a function of one point of shape (d,) that JAX can differentiate.

        **Raises:** `InputError` for a time outside the interval.
        """
        return field_at(self.network(t), jnp.asarray(t))

    def __call__(self, t: ArrayLike, x: ArrayLike) -> Array:
        """u at times and points.

        **Arguments:**

        - `t`: a time, or an array of them of shape (T,).
        - `x`: a point of shape (d,), or points of shape (..., d).

        **Returns:** values of shape (..., c), with T in front for several times.

        **Raises:** `InputError` for a time outside the interval, a point of another dimension
        or outside the domain.
        """
        times = np.asarray(t, dtype=float)
        if times.ndim > 1:
            raise InputError(f"`t` must be a time or an array of times, got shape {times.shape}")
        points = self._points(x)
        flat = points.reshape(-1, points.shape[-1])
        values = [_evaluate(self.field(float(time)), flat) for time in np.atleast_1d(times)]
        values = jnp.stack(values).reshape((len(values), *points.shape[:-1], -1))
        return values if times.ndim else values[0]

    def _points(self, x: ArrayLike) -> Array:
        domain = self.problem.domain
        points = jnp.asarray(x, self.segments[0].theta.dtype)
        if points.ndim == 0 or points.shape[-1] != domain.dimension:
            raise InputError(
                f"`x` has shape {points.shape}, expected ({domain.dimension},) or "
                f"(..., {domain.dimension}): one coordinate per dimension in the last axis"
            )
        if domain.periods is None:
            # Rounding a bound to the network's dtype may put it outside by a unit.
            slack = 1e-6 * (np.asarray(domain.upper) - np.asarray(domain.lower))
            array = np.asarray(points)
            low, high = np.asarray(domain.lower) - slack, np.asarray(domain.upper) + slack
            outside = ~np.all((array >= low) & (array <= high), axis=-1)
            if outside.any():
                raise InputError(
                    f"`x` has {int(outside.sum())} of {outside.size} points outside the domain "
                    f"{domain.lower} to {domain.upper}, first {array[outside][0].tolist()}"
                )
        return points

    def error(self, reference: Reference | None = None, num_points: int = 20_000) -> ErrorReport:
        """Relative L2 errors at the saved times, on `num_points` evenly spread points.

        **Arguments:**

        - `reference`: a function of (t, points of shape (n, d)) with values (n, c); the
          problem's exact solution or independent reference if not given.

        **Raises:** `InputError` if no reference is known.
        """
        return measure_errors(self.problem, self, self.ts, reference, num_points)

    def report(self) -> str:
        """Steps, linear solves, residuals, restarts and timings, in words and numbers."""
        return report(
            problem=self.problem,
            interval=self.interval,
            record=self.record,
            parameters=[segment.theta for segment in self.segments],
            fits=self.fits,
            result=self.result,
            message=self.message,
            seconds=self.seconds,
        )

    def plot(self, reference: Reference | None = None) -> "matplotlib.figure.Figure":
        """Network, reference and pointwise error at a few times, and how the march went."""
        if reference is None:
            reference = reference_for(self.problem, float(self.ts[0]))
        error = None if reference is None else self.error(reference)
        return plot_solution(
            problem=self.problem,
            arguments=describe(self.problem),
            u=self,
            ts=self.ts,
            interval=self.interval,
            record=self.record,
            restarts=[fit["t"] for fit in self.fits[1:]],
            num_parameters=self.segments[0].theta.shape[1],
            reference=reference,
            error=error,
            failure="" if self.result == "successful" else f"{self.result}: {self.message}",
        )

    def save(self, path: str | os.PathLike) -> None:
        """Write to one file: a JSON line and raw arrays, bit-exact; see `neural_ivp.load`."""
        arrays = {"ts": self.ts, **segment_arrays(self.segments)}
        arrays |= {f"record.{name}": values for name, values in self.record.items()}
        header: dict[str, Any] = {
            "problem": describe(self.problem),
            "network": describe(self.template),
            "segments": len(self.segments),
            "result": self.result,
            "message": self.message,
            "fits": self.fits,
            "seconds": self.seconds,
        }
        write_file(Path(path), KIND, VERSION, header, arrays)


@eqx.filter_jit
def _evaluate(field: Callable, points: Array) -> Array:
    return jax.vmap(field)(points)


def load(
    path: str | os.PathLike,
    *,
    problem: AbstractProblem | None = None,
    network: AbstractNetwork | None = None,
) -> Solution:
    """Read what `Solution.save` wrote; it evaluates bit for bit as before.

    **Arguments:**

    - `path`: of the file.
    - `problem`, `network`: needed only if they were of classes outside this library (a
      `Problem` from plain functions, say): functions are not stored.

    **Raises:** `InputError` for a missing, truncated, altered or foreign file, or if a needed
    argument is missing or does not match.
    """
    header, arrays = read_file(Path(path), KIND, VERSION)
    whole = rebuild_or_check("problem", header["problem"], problem, AbstractProblem, "load")
    template = rebuild_or_check("network", header["network"], network, AbstractNetwork, "load")
    segments = segments_from(arrays, header["segments"])
    check_size(template, segments)
    return Solution(
        problem=whole,
        template=template,
        ts=arrays["ts"],
        segments=segments,
        record=record_from(arrays),
        result=header["result"],
        message=header["message"],
        fits=header["fits"],
        seconds=header["seconds"],
    )
