"""Default networks and methods; `benchmarks/zoo.py` measures them."""

import inspect
from collections.abc import Mapping
from typing import Any

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from ..domains import Euclidean
from ..errors import InputError, check_positive, suggestion
from ..evolution import AdaptiveStep, NeuralIVP, Rodas4, with_velocity
from ..fitting import GaussNewton
from ..linear import LandmarkSubspace, choose_velocity_solver
from ..networks import (
    AbstractNetwork,
    ConstantStart,
    FourierSeries,
    LinearCombination,
    SinusoidalMLP,
    WithVelocity,
    flatten,
)
from ..problems import AbstractProblem, AbstractSecondOrderProblem
from ..samplers import ImportanceSampling
from ..trials import UnknownNorm, hard_neumann_faces, trial_for
from ._densities import DENSITY_RTOL, density_method, density_network
from ._stiff import differential_order, stiff

DEFAULT_RTOL = 1e-5
DENSE_LIMIT = 20_000  # parameters: at 4 000 points J then takes 640 MB in float64
# Below it a Cholesky factorisation may fail by rounding.
LEAST_DAMPING = {"float64": 1e-13, "float32": 1e-7}


def default_network(
    problem: AbstractProblem,
    *,
    kind: type[SinusoidalMLP] | type[FourierSeries] = SinusoidalMLP,
    key: PRNGKeyArray,
    **options: Any,
) -> AbstractNetwork:
    """A network with random parameters for a problem.

    A `LinearCombination` around it multiplies components by the scales of the problem's norm, and
    makes a component of a `SinusoidalMLP` that starts at zero the difference of two towers. If the
    initial value leaves nothing to fit but a constant, `ConstantStart` is around it all. A
    `SinusoidalMLP` is even where `hard_neumann_faces` of the problem are. For a problem of second
    order in time it is a `WithVelocity` of the network of u.

    **Arguments:**

    - `problem`: its domain, components, scales, initial value and conditions at the boundary.
    - `kind`: `SinusoidalMLP` or `FourierSeries`.
    - `key`: of the random parameters.
    - `options`: arguments of that class; `width=25`, `depth=4`, `num_frequencies=4` and
      `activation="tanh"` for a `SinusoidalMLP` if not given.

    **Returns:** a network, x of shape (d,) to u of shape (c,).

    **Raises:** `InputError` for another kind, an option that it does not have or that is missing,
    or as that class does.

    ```python
    network = nivp.default_network(problem, width=20, depth=2, key=jax.random.key(0))
    print(network(jnp.array([0.5])))
    ```
    """
    if kind not in (SinusoidalMLP, FourierSeries):
        raise InputError(
            f"`kind` must be SinusoidalMLP or FourierSeries, got {kind!r}: make another network "
            "by its class"
        )
    if isinstance(problem.domain, Euclidean):
        return density_network(problem, key, **options)
    if isinstance(problem, AbstractSecondOrderProblem):
        position = problem.displacement_problem
        return WithVelocity(default_network(position, kind=kind, key=key, **options))
    towers = kind is SinusoidalMLP
    sizes = {"width": 25, "depth": 4, "num_frequencies": 4, "activation": "tanh"} if towers else {}
    if towers and (even := hard_neumann_faces(problem)):
        sizes["even_at"] = even
    options = {**sizes, **options}
    _check_options(kind, options)
    network: AbstractNetwork = kind(problem.domain, problem.components, **options, key=key)
    matrix = np.diag(np.asarray(problem.norm.scales, float))
    values, constant = _initial_unknown(problem, network)
    zero = np.all(values == 0, axis=0)
    if towers and zero.any() and not zero.all() and constant is None:
        matrix[zero, int(np.argmin(zero))] = -np.diag(matrix)[zero]
    if not np.array_equal(matrix, np.eye(len(matrix))):
        network = LinearCombination(network, matrix.tolist())
    return ConstantStart(network, constant) if towers and constant is not None else network


def _check_options(kind: type, options: Mapping[str, Any]) -> None:
    given = ("domain", "components", "key")  # by the problem, or by name
    known = {k: p for k, p in inspect.signature(kind).parameters.items() if k not in given}
    for name in options:
        if name not in known:
            raise InputError(f"`{name}` is no option of {kind.__name__}.{suggestion(name, known)}")
    for name, parameter in known.items():
        if parameter.default is parameter.empty and name not in options:
            raise InputError(
                f"`{name}` is missing: {kind.__name__} needs it, as in `default_network(problem, "
                f"kind={kind.__name__}, {name}=8, key=key)`"
            )


def _initial_unknown(
    problem: AbstractProblem, network: AbstractNetwork
) -> tuple[np.ndarray, tuple[float, ...] | None]:
    """What the network is to be at a thousand points at first, times its mask; and the constant
    that it is, None if it varies."""
    points = jnp.asarray(problem.domain.low_discrepancy_points(1_000), float)
    trial = trial_for(problem, network)
    # At t = 0: where the boundary values move, a start at another time is fitted as usual.
    values = np.asarray(jax.vmap(trial.unknown_of(problem.initial, 0.0))(points))
    ones = trial.unknown(lambda x: jnp.ones(problem.components, x.dtype))
    masked = ~np.all(np.asarray(jax.vmap(ones)(points)) == 1, axis=0)
    first, rounding = values[0], 8 * np.finfo(values.dtype).eps * np.max(np.abs(values), axis=0)
    varies = np.any(np.abs(values - first) > rounding, axis=0)
    if np.any(varies | (masked & (first != 0))):
        return values, None
    return values, tuple(first.tolist())


def default_method(
    problem: AbstractProblem, network: AbstractNetwork, *, rtol: float | None = None
) -> NeuralIVP:
    """The default method for a problem and a network.

    Velocities lie in a `LandmarkSubspace`, whose rank `solve` chooses, except for norms with
    derivatives, for explicit steps in float32 and for more than 20 000 parameters. Steps are
    explicit, or those of `Rodas4` if fine scales decay so much faster than u changes that these
    cost less.

    **Arguments:**

    - `problem`, `network`: what `solve` takes.
    - `rtol`: relative tolerance of the steps, from which the damping, the absolute tolerance and
      the tolerance of the fit follow; 1e-5 if not given, 1e-3 for a density in all of space.
      Good values: 1e-4 to 1e-6.

    **Returns:** a `NeuralIVP`.

    **Raises:** `InputError` for a tolerance that is not one positive number.

    ```python
    method = nivp.default_method(problem, network, rtol=1e-4)
    print(type(method.velocity_solver), method.integrator.solver)
    ```
    """
    if rtol is None:
        rtol = DENSITY_RTOL if network.log_density else DEFAULT_RTOL
    check_positive("rtol", rtol)
    network = with_velocity(problem, network)
    if network.log_density:
        return density_method(network, rtol)
    theta, _ = flatten(network)
    quantities = num_quantities(problem, network)
    derivatives, line = quantities > problem.components, problem.domain.dimension == 1
    moving = isinstance(network, WithVelocity)
    size = theta.size // 2 if moving else theta.size
    double, large = theta.dtype == "float64", size > DENSE_LIMIT
    # Of the higher order on a line, where stages are cheap and dispersion is common.
    solver = dfx.Dopri8() if line or moving else dfx.Tsit5()
    landmarks = not large and not derivatives
    implicit = landmarks and not moving and stiff(problem)
    # Explicit steps in float32: by `LeastSquares`, which resolves smaller singular values.
    if implicit or (landmarks and double):
        # Damps singular values of J below rtol of the largest; of a velocity, which adds up the
        # errors of accelerations, below a tenth of it.
        least = (rtol / 10) ** 2 if moving else rtol**2
        damping, oversampling = max(least, LEAST_DAMPING[str(theta.dtype)]), 1 if line else 3
        velocity_solver = LandmarkSubspace(damping=damping, oversampling=oversampling)
        # Candidates of leverage scores: they need not be as fine as the points.
        sampler = ImportanceSampling(500) if line else ImportanceSampling(2_400, oversampling=8)
        if implicit:
            solver = Rodas4(differential_order(problem))
    else:
        sizes, few = (size, quantities), line or derivatives
        sampler, velocity_solver = _without_landmarks(sizes, theta.dtype, rtol, line, few)
    fit_points, tolerance = (500, rtol) if line else (1_000, 5 * rtol)
    return NeuralIVP(
        sampler=sampler,
        velocity_solver=velocity_solver,
        integrator=AdaptiveStep(solver, rtol=rtol, atol=rtol / 100),
        # In more dimensions fewer points overfit, and u has a larger error than the fit soon.
        fit=(GaussNewton(tolerance=min(1e-5, tolerance), sampler=ImportanceSampling(fit_points)),),
    )


def _without_landmarks(sizes: tuple[int, int], dtype: Any, rtol: float, line: bool, few: bool):
    """Points, and a solver that moves all parameters or a random subset of them; `sizes` are the
    number of parameters and of quantities at a point."""
    size, quantities = sizes
    double, large = dtype == "float64", size > DENSE_LIMIT
    points = 10_000 if large else 2_000 if few else 4_000 if double else 3_000
    subset = None if large else 300 if line else 700
    solver, _ = choose_velocity_solver(size, points * quantities, dtype, subset=subset)
    if large:
        damping = 1e-9 if double else 1e-6
    elif double:
        damping = max(rtol**2 / 100, LEAST_DAMPING["float64"])
    else:  # On a line, further directions add more noise of rounding than they resolve.
        damping = 1e-9 if line else 1e-10
    return ImportanceSampling(points), solver.with_damping(damping)


def num_quantities(problem: AbstractProblem, network: AbstractNetwork) -> int:
    """Rows of J for each point: the number of quantities in the problem's norm."""
    if isinstance(network, WithVelocity):
        return problem.components // 2
    x = jax.ShapeDtypeStruct((problem.domain.dimension,), flatten(network)[0].dtype)
    norm = UnknownNorm(problem.norm, trial_for(problem, network))  # pyright: ignore[reportCallIssue]
    return jax.eval_shape(lambda x: norm(network, x), x).size


def solve_keys(key: PRNGKeyArray) -> tuple[PRNGKeyArray, PRNGKeyArray, PRNGKeyArray]:
    """The keys of the default network's parameters, the fit and the march."""
    network_key, fit_key, march_key = jax.random.split(key, 3)
    return network_key, fit_key, march_key
