"""What `solve` returns: u(t, x) at every time of the interval and every point."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ..catalogue import describe, rebuild_or_check
from ..diagnostics import ErrorReport, measure_errors, report
from ..display import AbstractDisplayed
from ..errors import InputError, check_shape, concrete
from ..evolution import Segment, evaluate, evaluate_traced, has_gaps, stacked_steps
from ..networks import AbstractNetwork, flatten
from ..problems import AbstractProblem, check_fingerprint
from ..trials import trial_for
from ..types import Field, Reference
from ._data_methods import AbstractDataMethods
from ._density import AbstractDensityMethods
from ._evaluate import checked_points, checked_times, values_at
from ._file import fields_from, read_solution, write_solution
from ._picture_methods import AbstractPictureMethods
from ._summary import summary


# Equal to itself alone, and hashable: a function for `jax.jit`.
@dataclass(frozen=True, eq=False, repr=False)
class Solution(
    AbstractDisplayed, AbstractDensityMethods, AbstractDataMethods, AbstractPictureMethods
):
    """The solution u(t, x) of a problem: a network whose parameters depend on time.

    `solve`, `resume` and `load` return it. `solution(t, x)` evaluates u; `error()`, `report()`,
    `plot()`, `animate(path)`, `save(path)`, `network(t)` and `field(t)` are its methods, and
    `parameters` has the parameters at the saved times, shape (k, p). `on_grid`, `probes`,
    `to_xarray`, `to_netcdf` and `write_vtk` give its numbers to other tools. Of a density in R^d,
    `mean(t)`, `covariance(t)`, `entropy(t)`, `mass(t)`, `marginal(t, axis, grid)` and
    `sample(t, n, key)` are estimates.

    **Arguments:**

    - `problem`: the problem solved.
    - `template`: the network's architecture; its parameters are not used.
    - `ts`: the saved times that were reached, shape (k,); after a failure the last one is that of
      the last accepted step.
    - `segments`: parameters and velocities at the accepted steps, one `Segment` between restarts.
    - `record`: the quantities of `StepRecord`, one array each with an entry per attempted step.
    - `result`: "successful", or the kind of failure in a word.
    - `message`: the failure in a sentence.
    - `fits`: one dict for the initial fit and for each refit: `t`, `relative_l2_error`,
      `scaled_maximum_error`, `steps`, `tolerance`, and of a refit `reason` and `refused`.
    - `seconds`: wall-clock seconds of `compile`, `fit`, `evolve` and `total`.

    ```python
    solution = nivp.solve(problem, network, method, ts=[0.0, 0.01], key=jax.random.key(0))
    print(solution(0.005, jnp.array([[0.2], [0.4]])), solution.report())
    ```
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

    def _summary(self) -> tuple[str, Mapping[str, str]]:
        parts = self.problem, self.ts, self.segments, self.record
        return summary(*parts, self.result, self.message, self.fits, self.seconds)

    @cached_property
    def parameters(self) -> np.ndarray:
        """The parameters at the saved times, shape (k, p)."""
        return np.stack([evaluate(self.segments, float(t)) for t in self.ts])

    @property
    def interval(self) -> tuple[float, float]:
        """The first and the last time at which u is known."""
        return float(self.segments[0].ts[0]), float(self.segments[-1].ts[-1])

    @property
    def dense(self) -> bool:
        """Whether u is known at all times of `interval`, and not at the saved times alone."""
        return not has_gaps(self.segments)

    @property
    def description(self) -> dict[str, Any]:
        """The problem as a table of its class and arguments, {"opaque": class} where no file can
        hold it."""
        return describe(self.problem)

    def network(self, t: ArrayLike) -> AbstractNetwork:
        """The network at time t, which u is only where no condition holds by construction.

        **Raises:** `InputError` for a time outside the interval.
        """
        _, rebuild = flatten(self.template)
        known, (first, last) = concrete("t", t), self.interval
        if known is None:
            return rebuild(evaluate_traced(self._steps, jnp.asarray(t, jnp.result_type(float))))
        check_shape("`t`", known.shape, (), "give one time")
        time = float(known)
        if not first <= time <= last:
            raise InputError(f"`t` = {time} lies outside the solved interval [{first}, {last}]")
        return rebuild(jnp.asarray(evaluate(self.segments, time)))

    _steps = cached_property(lambda self: stacked_steps(self.segments))

    def field(self, t: ArrayLike) -> Field:
        """u(t, .): a function of one point of shape (d,) that JAX can differentiate.

        **Raises:** `InputError` for a time outside the interval.
        """
        network = self.network(t)
        return trial_for(self.problem, network).field(network, jnp.asarray(t))

    def __call__(self, t: ArrayLike, x: ArrayLike) -> Array:
        """u at times and points, which JAX may trace: `jax.grad`, `jacfwd`, `jit` and `vmap` apply.

        A traced point is not compared with the domain, and at a traced time outside the interval u
        is NaN: errors need numbers.

        **Arguments:**

        - `t`: a time, or times of shape (T,).
        - `x`: a point of shape (d,), or points of shape (..., d).

        **Returns:** values of shape (..., c), or (T, ..., c) for several times.

        **Raises:** `InputError` for a time outside the interval, or a point of another dimension or
        outside the domain.
        """
        times, points = checked_times(t), self._points(x)
        flat = points.reshape(-1, points.shape[-1])
        if isinstance(times, np.ndarray):
            values = [values_at(self.field(float(time)), flat) for time in np.atleast_1d(times)]
            values = jnp.stack(values)
        else:
            values = jax.vmap(lambda time: values_at(self.field(time), flat))(jnp.atleast_1d(times))
        values = values.reshape((len(values), *points.shape[:-1], values.shape[-1]))
        return values if times.ndim else values[0]

    def _points(self, x: ArrayLike, name: str = "x") -> Array:
        return checked_points(self.problem.domain, x, self.segments[0].theta.dtype, name)

    def error(self, reference: Reference | None = None, num_points: int = 20_000) -> ErrorReport:
        """Errors at the saved times, on low-discrepancy points; an `ErrorReport`.

        **Arguments:**

        - `reference`: a function of (t, points of shape (n, d)) with values of shape (n, c); the
          problem's exact solution or independent reference if not given.
        - `num_points`: n.

        **Raises:** `InputError` if no reference is known.
        """
        return measure_errors(self.problem, self, self.ts, reference, num_points)

    def report(self) -> str:
        """A text on steps, residuals, linear solves, fits, timings and signs of trouble."""
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

    def save(self, path: str | os.PathLike, *, dense: bool = True) -> None:
        """Write everything to one file, bit for bit; `neural_ivp.load` reads it.

        **Arguments:**

        - `path`: of the file; its folder must exist.
        - `dense`: whether it holds the whole trajectory. Otherwise it has the parameters at the
          saved times `ts` alone, so that what is loaded answers only there.

        **Raises:** `InputError` for a path that cannot be a file, `OSError` if the disk is full.
        """
        parts = {"problem": self.description, "network": describe(self.template)}
        write_solution(self, path, parts, dense=dense)


def load(
    path: str | os.PathLike,
    *,
    problem: AbstractProblem | None = None,
    network: AbstractNetwork | None = None,
) -> Solution:
    """Read a solution that `Solution.save` wrote; it evaluates to the same bits.

    **Arguments:**

    - `path`: of the file.
    - `problem`, `network`: those of the solve; needed only for classes outside this library and for
      a `Problem` from plain functions, since functions are not stored. The network is that of
      `Solution.template`, with the directions that were added to a density.

    **Returns:** a `Solution`.

    **Raises:** `InputError` for a missing, truncated, altered or foreign file, or if a needed
    argument is missing or does not match.

    ```python
    solution.save("heat.nivp")
    print(nivp.load("heat.nivp").ts)
    ```
    """
    header, arrays = read_solution(path)
    rebuilt = rebuild_or_check("problem", header["problem"], problem, AbstractProblem, "load")
    check_fingerprint(rebuilt, header["fingerprint"])
    template = rebuild_or_check("network", header["network"], network, AbstractNetwork, "load")
    return Solution(rebuilt, template, **fields_from(header, arrays, template))
