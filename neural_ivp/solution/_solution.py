"""What `solve` returns: u(t, x) at any time of the interval and any point."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from .._errors import InputError
from ..networks import AbstractNetwork, flatten
from ..problems import AbstractProblem
from ._errors import ErrorReport, Reference, measure
from ._file import save
from ._report import report
from ._trajectory import Segment, evaluate

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
        values = [_evaluate(self.network(float(time)), flat) for time in np.atleast_1d(times)]
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
        return measure(self, reference, num_points)

    def report(self) -> str:
        """Steps, linear solves, residuals, restarts and timings, in words and numbers."""
        return report(self)

    def plot(self, reference: Reference | None = None) -> "Figure":
        """Network, reference and pointwise error at a few times, and how the march went."""
        from ..plotting import figure  # matplotlib is imported only when a picture is wanted

        return figure(self, reference)

    def save(self, path: str | os.PathLike) -> None:
        """Write to one file: a JSON line and raw arrays, bit-exact; see `neural_ivp.load`."""
        save(self, path)


@eqx.filter_jit
def _evaluate(network: Callable, points: Array) -> Any:
    return jax.vmap(network)(points)
