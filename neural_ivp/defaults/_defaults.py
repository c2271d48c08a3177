"""Sensible networks and methods for a problem: what measured best on two cores.

`benchmarks/velocity_choice.py` compares the choices of velocity solver.
"""

from typing import Any

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from ..errors import InputError, check_scalar
from ..evolution import SDIRK4, AdaptiveStep, NeuralIVP
from ..fitting import GaussNewton
from ..linear import choose_velocity_solver
from ..networks import (
    AbstractNetwork,
    FourierSeries,
    HardDirichlet,
    LinearCombination,
    SinusoidalMLP,
    flatten,
)
from ..problems import AbstractProblem
from ..samplers import ImportanceSampling
from ._diffusive import diffusive

# Up to this many parameters J fits in memory at 4 000 points (640 MB in float64).
DENSE_LIMIT = 20_000
# Below it rounding makes a Cholesky factorisation fail, in float64.
LEAST_DAMPING = 1e-13


def default_network(
    problem: AbstractProblem,
    *,
    kind: type[SinusoidalMLP] | type[FourierSeries] = SinusoidalMLP,
    key: PRNGKeyArray,
    **options: Any,
) -> AbstractNetwork:
    """A network for the problem: a `SinusoidalMLP` unless another `kind` is asked for.

    A `SinusoidalMLP` has width 25, depth 4, four frequencies and tanh if not given. It is wrapped
    in `LinearCombination` where the components have scales, which multiply their towers, or where
    one starts at zero, which is then the difference of two towers; and in `HardDirichlet` where
    u = 0 on the boundary. A `FourierSeries` has neither towers to mix nor values on a boundary:
    only the scales go around it.

    **Arguments:**

    - `kind`: `SinusoidalMLP` or `FourierSeries`.
    - `options`: of that class.

    **Raises:** `InputError` for another kind, or as that class does.
    """
    if kind not in (SinusoidalMLP, FourierSeries):
        raise InputError(
            f"`kind` must be SinusoidalMLP or FourierSeries, got {kind!r}: make another network "
            "by its class"
        )
    towers = kind is SinusoidalMLP
    sizes = {"width": 25, "depth": 4, "num_frequencies": 4, "activation": "tanh"} if towers else {}
    options = {**sizes, **options}
    network: AbstractNetwork = kind(problem.domain, problem.components, **options, key=key)
    matrix = np.diag(np.asarray(problem.norm.scales, float))
    zero = _zero_components(problem)
    if towers and zero.any() and not zero.all():
        matrix[zero, int(np.argmin(zero))] = -np.diag(matrix)[zero]
    if not np.array_equal(matrix, np.eye(len(matrix))):
        network = LinearCombination(network, matrix.tolist())
    return HardDirichlet(network, problem.domain) if problem.zero_boundary and towers else network


def _zero_components(problem: AbstractProblem) -> np.ndarray:
    """Which components of the initial value vanish at all of a thousand points."""
    points = jnp.asarray(problem.domain.low_discrepancy_points(1_000), float)
    return np.all(np.asarray(jax.vmap(problem.initial)(points)) == 0, axis=0)


def default_method(
    problem: AbstractProblem, network: AbstractNetwork, *, rtol: float = 1e-4
) -> NeuralIVP:
    """The method for a problem and a network, whose size and dtype choose the velocity solver.

    In one dimension a smaller subset and fewer points do. A norm with derivatives costs as many
    rows in every solve as it has quantities: such problems (waves) get half of the points. Where
    the equation damps fine scales much faster than u changes (diffusion), steps are implicit and
    move all parameters; not in float32, or for more than 20 000 of them.

    **Arguments:**

    - `rtol`: relative tolerance of the steps; the damping, the absolute tolerance and that
      of the fit follow it.

    **Raises:** `InputError` for a tolerance that is not one positive number.
    """
    check_scalar("rtol", rtol)
    theta, _ = flatten(network)
    quantities = num_quantities(problem, network)
    derivatives, line = quantities > problem.components, problem.domain.dimension == 1
    double, large = theta.dtype == "float64", theta.size > DENSE_LIMIT
    implicit = double and not large and not derivatives and diffusive(problem)
    if implicit:
        subset, points = None, 500 if line else 1_500
        damping = max(rtol**2 / 10_000, LEAST_DAMPING)
    elif large:
        subset, points, damping = None, 10_000, 1e-9 if double else 1e-6
    else:
        subset, points = 300 if line else 700, 2_000 if derivatives or line else 4_000
        # Singular values of J below rtol / 10 of the largest are damped.
        damping = max(rtol**2 / 100, LEAST_DAMPING) if double else 1e-9
        subset = subset if double else min(subset, 500)
    rows = points * quantities
    velocity, _ = choose_velocity_solver(theta.size, rows, theta.dtype, subset=subset)
    solver = SDIRK4() if implicit else dfx.Tsit5()
    return NeuralIVP(
        sampler=ImportanceSampling(points),
        velocity=velocity.with_damping(damping),
        integrator=AdaptiveStep(solver, rtol=rtol, atol=rtol / 100),
        fit=(GaussNewton(tolerance=min(1e-5, rtol)),),
    )


def num_quantities(problem: AbstractProblem, network: AbstractNetwork) -> int:
    """Rows of J for each point: the quantities whose squares the norm adds."""
    x = jax.ShapeDtypeStruct((problem.domain.dimension,), flatten(network)[0].dtype)
    return jax.eval_shape(lambda x: problem.norm(network, x), x).size


def solve_keys(key: PRNGKeyArray) -> tuple[PRNGKeyArray, PRNGKeyArray, PRNGKeyArray]:
    """The keys of the default network's weights, the fit and the march."""
    network_key, fit_key, march_key = jax.random.split(key, 3)
    return network_key, fit_key, march_key
