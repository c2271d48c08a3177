"""`solve`: fit the initial value, march with restarts, return the solution."""

from __future__ import annotations  # help(solve) shows the names of types, not their unions

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, PRNGKeyArray

from ..defaults import default_method, default_network, solve_keys
from ..diagnostics import fit_remark
from ..errors import (
    FitWarning,
    InputError,
    check_key,
    check_largest,
    check_positive,
    shown,
    suggestion,
)
from ..evolution import (
    NeuralIVP,
    check_network,
    check_second_order,
    fit_network,
    with_velocity,
)
from ..fitting import HELD_OUT_POINTS, FitResult, check_finite_at
from ..networks import AbstractNetwork
from ..problems import (
    AbstractProblem,
    AbstractSecondOrderProblem,
    check_problem,
)
from ..progress import COMPILING, Progress, ProgressCallback, check_progress, displayed
from ..solution import Solution
from ._boundary import check_boundary
from ._checkpoint import Checkpoint, check_checkpoint
from ._checkpoint_file import CheckpointWriter
from ._form import warn_of_form
from ._march import March
from ._memory import check_step_memory
from ._records import fit_reporter
from ._run_march import run_march
from ._stopwatch import Stopwatch, compile_clock


def solve(
    problem: AbstractProblem,
    network: AbstractNetwork | None = None,
    method: NeuralIVP | None = None,
    *,
    ts: ArrayLike | Sequence[float],
    key: PRNGKeyArray,
    rtol: float | None = None,
    throw: bool = True,
    progress: ProgressCallback | bool | None = None,
    checkpoint: Checkpoint | None = None,
) -> Solution:
    """Solve u_t = L[u] from ts[0] to ts[-1] with a neural network as u(t, .).

    The network is fitted to the initial value. Then time steps change its parameters so that u_t
    follows L[u] in the least-squares sense.

    **Arguments:**

    - `problem`: domain, initial value and right-hand side L[u]: one of `nivp.problems`, or a
      `nivp.Problem` of your own.
    - `network`: its architecture, initial parameters for the fit, and the dtype of the solve;
      that of `default_network` if not given.
    - `method`: the numerical method, a `NeuralIVP`; that of `default_method` if not given.
    - `ts`: times to save, shape (k,), increasing, in time units; the first is the initial time. u
      can be evaluated at all times between. Steps end at the times to save, since u is less
      accurate within a long step.
    - `key`: random key; the same key gives the same result.
    - `rtol`: relative tolerance of the steps of the default method, from which its fit, damping and
      rank follow; 1e-5 if not given, 1e-3 for a density in all of space. Good values: 1e-4 to
      1e-6. The error of u is about that
      tolerance times the growth of errors by the equation itself.
    - `throw`: whether a failure raises `SolveError`, which holds the solution so far, or returns
      that solution with its `result` and `message` set.
    - `progress`: None for a display on a terminal and in a notebook alone, True for one anywhere
      (lines on stderr where there is no terminal), False for none; or a function that is called
      with each `Progress`.
    - `checkpoint`: a `Checkpoint`, the file from which `resume` continues an interrupted march.

    **Returns:** a `Solution`: `solution(t, x)` is u, and `solution.report()` a summary.

    **Raises:** `InputError` for an argument that cannot be used; `SolveError` for a failed solve;
    `SolveInterrupted`, which holds the solution so far, for Ctrl-C after the initial fit. Warns of
    an initial fit worse than the tolerance of the steps (`FitWarning`), of a pair that is one
    equation of second order (`FormWarning`) and of a checkpoint that cannot be written
    (`CheckpointWarning`).

    Source: Finzi, Potapczynski, Choptuik & Wilson, ICLR 2023.

    ```python
    solution = nivp.solve(problem, network, method, ts=[0.0, 0.01], key=jax.random.key(0))
    print(solution(0.01, jnp.array([0.3])), solution.error())
    ```
    """
    times = _check_times(ts)
    if not isinstance(problem, AbstractProblem):
        raise InputError(
            f"`problem` must be an AbstractProblem, got {shown(problem)}: make it by "
            "`nivp.Problem(...)` or take one of `nivp.problems`"
        )
    check_key(key)
    check_checkpoint(checkpoint)
    check_progress(progress)
    check_problem(problem)
    problem.check_times(times)
    network_key, fit_key, march_key = solve_keys(key)
    with displayed(progress) as report, compile_clock() as compiling:
        # Making the default parts compiles, too, and is counted as a part of the fit.
        watch = Stopwatch(compiling)
        report(Progress("fit", 0.0, float(times[0]), stage=COMPILING))
        network, method = _parts(problem, network, method, rtol, network_key)
        check_boundary(problem, network, times)
        warn_of_form(problem, network)
        check_step_memory(problem, network, method)
        fitted = fit_initial(problem, network, method, fit_key, float(times[0]), report)
        watch.fit_ended()
        march = March(problem, fitted.network, method, times, march_key)
        march.note_fit(times[0], fitted)
        warn_of_fit(march.fits[0])
        writer = CheckpointWriter(checkpoint, march, watch)
        return run_march(writer, throw=throw, progress=report)


def _parts(problem, network, method, rtol, network_key) -> tuple[AbstractNetwork, NeuralIVP]:
    """Network and method, the default ones where none is given, after checks."""
    network = default_network(problem, key=network_key) if network is None else network
    network = with_velocity(problem, network)
    check_network(problem, network)
    if rtol is not None:
        if method is not None:
            raise InputError(
                "`rtol` is that of the default method: leave it out, or make the method by "
                "`default_method(problem, network, rtol=...)`"
            )
        check_positive("rtol", rtol)
    if method is None:
        method = default_method(problem, network, rtol=rtol)
    if not isinstance(method, NeuralIVP):
        raise InputError(f"`method` must be a NeuralIVP, got {shown(method)}")
    check_second_order(network, method)
    for name in method.conserve:
        if name not in problem.invariants:
            hint = suggestion(name, problem.invariants)
            raise InputError(f"`conserve` names {name!r}, no invariant of the problem.{hint}")
    return network, method


def fit_initial(problem, network, method, key, t0, progress: ProgressCallback) -> FitResult:
    """The fit of the initial value; `key` is the second of `solve_keys`."""
    if isinstance(problem, AbstractSecondOrderProblem):  # its fit follows that of u
        points = jnp.asarray(problem.domain.low_discrepancy_points(HELD_OUT_POINTS), float)
        check_finite_at(points, problem.initial_velocity, "`initial_velocity`")
    report = fit_reporter(progress, "fit", t0)
    return fit_network(method, network, problem.initial, problem, t0, key, report)


def warn_of_fit(entry: Mapping[str, Any]) -> None:
    """Warn of an initial fit whose error exceeds the tolerance of the steps."""
    if remark := fit_remark(entry):
        warnings.warn(f"the initial fit {remark}", FitWarning, stacklevel=3)


def _check_times(ts) -> np.ndarray:
    try:
        times = np.asarray(ts)
        if times.dtype.kind in "bSUOc":
            raise TypeError("words, truth values or complex numbers")
        times = times.astype(float)
    except (TypeError, ValueError) as error:
        raise InputError(f"`ts` must be times, got {shown(ts)}") from error
    if times.ndim != 1 or times.size < 2:
        raise InputError(f"`ts` must hold two times or more, got shape {times.shape}")
    check_largest("num_saves", times.size, "the number of times in `ts`")
    if not np.all(np.isfinite(times)):
        raise InputError(f"`ts` must be finite, got {shown(times.tolist())}")
    if not np.all(np.diff(times) > 0):
        k = int(np.argmax(np.diff(times) <= 0))
        raise InputError(f"`ts` must increase, got {times[k]} before {times[k + 1]}")
    return times
