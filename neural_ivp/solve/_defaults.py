"""Sensible networks and methods for a problem: what measured best on two cores.

`benchmarks/velocity_choice.py` compares the choices of velocity solver.
"""

from typing import Any

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from .._errors import InputError, check_scalar
from ..evolution import Adaptive, Implicit, NeuralIVP
from ..fitting import GaussNewton
from ..linear import (
    AbstractVelocitySolver,
    LeastSquares,
    Nystrom,
    RandomSubset,
    RidgeCG,
    RidgeCholesky,
    RidgeDual,
    RidgeDualCG,
)
from ..networks import (
    AbstractNetwork,
    FourierSeries,
    HardDirichlet,
    Mixed,
    SinusoidalMLP,
    flatten,
)
from ..problems import AbstractProblem
from ..samplers import Following
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
    in `Mixed` where the components have scales, which multiply their towers, or where one starts at
    zero, which is then the difference of two towers; and in `HardDirichlet` where u = 0 on the
    boundary. A `FourierSeries` has neither towers to mix nor values on a boundary: only the scales
    go around it.

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
        network = Mixed(network, matrix.tolist())
    return HardDirichlet(network, problem.domain) if problem.zero_boundary and towers else network


def _zero_components(problem: AbstractProblem) -> np.ndarray:
    """Which components of the initial value vanish at all of a thousand points."""
    points = jnp.asarray(problem.domain.spread(1_000), float)
    return np.all(np.asarray(jax.vmap(problem.initial)(points)) == 0, axis=0)


def default_velocity(
    network: AbstractNetwork, *, size: int = 700, rtol: float = 1e-4
) -> AbstractVelocitySolver:
    """A dense solve for a random subset of the parameters, or conjugate gradients for many.

    The arithmetic chooses the solver of the subset: in float32 the normal equations lose the
    singular values of J below 1e-3 of the largest, QR of J does not. The damping follows the
    tolerance of the steps: singular values below rtol / 10 of the largest are damped.
    """
    theta, _ = flatten(network)
    double = theta.dtype == "float64"
    if theta.size > DENSE_LIMIT:
        if double:
            return RidgeDualCG(damping=1e-9)
        return RidgeCG(damping=1e-6, rtol=1e-4, preconditioner=Nystrom(200))
    if double:
        return RandomSubset(RidgeCholesky(damping=max(rtol**2 / 100, LEAST_DAMPING)), size)
    return RandomSubset(LeastSquares(damping=1e-9), min(size, 500))


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
    derivatives = num_quantities(problem, network) > problem.components
    line = problem.domain.dimension == 1
    check_scalar("rtol", rtol)
    fit = (GaussNewton(tolerance=min(1e-5, rtol)),)
    theta, _ = flatten(network)
    small = theta.dtype == "float64" and theta.size <= DENSE_LIMIT
    if small and not derivatives and diffusive(problem):
        damping = max(rtol**2 / 10_000, LEAST_DAMPING)
        points = 500 if line else 1_500
        rows = points * problem.components
        return NeuralIVP(
            sampler=Following(points),
            velocity=(RidgeDual if rows < theta.size else RidgeCholesky)(damping=damping),
            integrator=Adaptive(Implicit("sdirk4"), rtol=rtol, atol=rtol / 100),
            fit=fit,
        )
    velocity = default_velocity(network, size=300 if line else 700, rtol=rtol)
    points = 2_000 if derivatives or line else 4_000
    return NeuralIVP(
        sampler=Following(points if isinstance(velocity, RandomSubset) else 10_000),
        velocity=velocity,
        integrator=Adaptive(dfx.Tsit5(), rtol=rtol, atol=rtol / 100),
        fit=fit,
    )


def num_quantities(problem: AbstractProblem, network: AbstractNetwork) -> int:
    """Rows of J for each point: the quantities whose squares the norm adds."""
    x = jax.ShapeDtypeStruct((problem.domain.dimension,), flatten(network)[0].dtype)
    return jax.eval_shape(lambda x: problem.norm(network, x), x).size
