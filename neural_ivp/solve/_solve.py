"""`solve`: fit the initial value, march, refit where the rule says, return the solution."""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, PRNGKeyArray

from ..defaults import default_method, default_network, solve_keys
from ..diagnostics import fit_remark
from ..errors import FitWarning, InputError, check_key, suggestion
from ..evolution import NeuralIVP, fit_network
from ..fitting import FitProgress, FitResult
from ..networks import AbstractNetwork, field_at, flatten
from ..problems import AbstractProblem, check_problem
from ..progress import Progress, Report, check_progress
from ..solution import Solution
from ._checkpoint import Checkpoint, check_checkpoint
from ._checkpoint_file import CheckpointWriter
from ._march import March
from ._run import run_march
from ._stopwatch import Stopwatch, compile_clock


def solve(
    problem: AbstractProblem,
    network: AbstractNetwork | None = None,
    method: NeuralIVP | None = None,
    *,
    ts: ArrayLike | Sequence[float],
    key: PRNGKeyArray,
    throw: bool = True,
    progress: Report = lambda progress: None,
    checkpoint: Checkpoint | None = None,
) -> Solution:
    """Solve u_t = L[u] from ts[0] to ts[-1] with a neural network as the state.

    **Arguments:**

    - `problem`: domain, initial value and right-hand side.
    - `network`: its architecture and the starting weights of the fit; chosen for the problem
      if not given. Its dtype is the dtype of the whole solve.
    - `method`: every numerical choice; chosen for problem and network if not given.
    - `ts`: times to save, increasing; the first is the start. The solution can be evaluated at
      every time of the interval. Explicit steps do not depend on the times in between; implicit
      ones end at them, since u is less exact within a long step than at its ends.
    - `key`: of all random choices; the same key gives the same result.
    - `throw`: whether a failure raises `SolveError` (which holds the solution so far) or
      returns that solution with `result` and `message` set.
    - `progress`: called with a `Progress` between chunks of work.
    - `checkpoint`: a file to `resume` the march from if it is ended before its time.

    **Returns:** a `Solution`.

    **Raises:** `InputError` for input that cannot be used; `SolveError` for a solve that ends
    early; `SolveInterrupted`, a `KeyboardInterrupt` with the solution so far, for Ctrl-C during the
    march, whatever `throw` says. Warns (`FitWarning`) of an initial fit that is worse than the
    steps' tolerance, and (`CheckpointWarning`) of a checkpoint that cannot be written.

    Source: Finzi, Potapczynski, Choptuik & Wilson, ICLR 2023.
    """
    times = _check_times(ts)
    if not isinstance(problem, AbstractProblem):
        raise InputError(
            f"`problem` must be an AbstractProblem, got {problem!r}: make it by "
            "`nivp.Problem(...)` or take one of `nivp.problems`"
        )
    check_key(key)
    check_problem(problem)
    network_key, fit_key, march_key = solve_keys(key)
    network = default_network(problem, key=network_key) if network is None else network
    _check_network(problem, network)
    method = default_method(problem, network) if method is None else method
    if not isinstance(method, NeuralIVP):
        raise InputError(f"`method` must be a NeuralIVP, got {method!r}")
    for name in method.conserve:
        if name not in problem.invariants:
            hint = suggestion(name, problem.invariants)
            raise InputError(f"`conserve` names {name!r}, no invariant of the problem.{hint}")
    check_checkpoint(checkpoint)
    check_progress(progress)
    with compile_clock() as compiling:
        watch = Stopwatch(compiling)
        fitted = fit_initial(problem, network, method, fit_key, float(times[0]), progress)
        watch.fit_ended()
        march = March(problem, fitted.network, method, times, march_key)
        march.note_fit(times[0], fitted)
        warn_of_fit(march.fits[0])
        writer = CheckpointWriter(checkpoint, march, watch)
        return run_march(writer, throw=throw, progress=progress)


def fit_initial(problem, network, method, key, t0, progress: Report) -> FitResult:
    """The fit that `solve` begins with; `key` is the second of `solve_keys`."""

    def report(made: FitProgress) -> None:
        numbers = {"step": made.step, "error": made.error}
        progress(Progress("fit", made.step / made.total, t0, numbers, made.stage))

    return fit_network(method, network, problem.initial, problem, key, report)


def warn_of_fit(entry: Mapping[str, Any]) -> None:
    """Warn where the error of the start exceeds what each step may add."""
    remark = fit_remark(entry)
    if remark:
        warnings.warn(f"the initial fit {remark}", FitWarning, stacklevel=3)


def _check_times(ts) -> np.ndarray:
    try:
        times = np.asarray(ts, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f"`ts` must be times, got {ts!r}") from error
    if times.ndim != 1 or times.size < 2:
        raise InputError(f"`ts` must hold two times or more, got shape {times.shape}")
    if not np.all(np.isfinite(times)):
        raise InputError(f"`ts` must be finite, got {times.tolist()}")
    if not np.all(np.diff(times) > 0):
        k = int(np.argmax(np.diff(times) <= 0))
        raise InputError(f"`ts` must increase, got {times[k]} before {times[k + 1]}")
    return times


def _check_network(problem: AbstractProblem, network: AbstractNetwork) -> None:
    if not isinstance(network, AbstractNetwork):
        raise InputError(f"`network` must be an AbstractNetwork, got {type(network).__name__}")
    dtype = flatten(network)[0].dtype
    try:
        x = jax.ShapeDtypeStruct((problem.domain.dimension,), dtype)
        shape = jax.eval_shape(network, x).shape
    except (TypeError, ValueError) as error:
        raise InputError(
            f"`network` cannot take a point of shape ({problem.domain.dimension},): {error}"
        ) from error
    if shape != (problem.components,):
        raise InputError(
            f"`network` has values of shape {shape}, the problem {problem.components} "
            f"component(s): make it with components={problem.components}"
        )
    if not math.isfinite(float(jnp.sum(flatten(network)[0]))):
        raise InputError("`network` has parameters that are not finite")
    if problem.zero_boundary:
        _check_boundary(problem, network, dtype)


def _check_boundary(problem: AbstractProblem, network: AbstractNetwork, dtype) -> None:
    """The network must vanish where the problem says that u does."""
    points = problem.domain.low_discrepancy_points(64)
    points[:, 0] = problem.domain.upper[0]
    field = field_at(network, jnp.zeros((), dtype))
    values = np.asarray(jax.vmap(field)(jnp.asarray(points, dtype)))
    if np.max(np.abs(values)) > 1e-4:
        raise InputError(
            f"`network` takes values up to {np.max(np.abs(values)):.2g} on the boundary, where "
            "the problem has u = 0: wrap it, `HardDirichlet(network, problem.domain)`"
        )
