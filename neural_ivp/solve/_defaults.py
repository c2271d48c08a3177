"""Sensible networks and methods for a problem: what measured best on two cores.

`benchmarks/velocity_choice.py` compares the choices of velocity solver.
"""

from typing import Any

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from ..evolution import Adaptive, NeuralIVP
from ..fitting import Adam, LastLayer
from ..linear import (
    AbstractVelocitySolver,
    LeastSquares,
    Nystrom,
    RandomSubset,
    RidgeCG,
    RidgeCholesky,
)
from ..networks import AbstractNetwork, HardDirichlet, Mixed, SinusoidalMLP, flatten
from ..problems import AbstractProblem
from ..samplers import Following

# Up to this many parameters J fits in memory at 2 000 points (320 MB in float64).
DENSE_LIMIT = 20_000


def default_network(
    problem: AbstractProblem, *, key: PRNGKeyArray, **options: Any
) -> AbstractNetwork:
    """A `SinusoidalMLP` for the problem, width 25 and depth 3 if not given.

    It is wrapped in `Mixed` where a component starts at zero, which is then the difference of
    two towers, and in `HardDirichlet` where u = 0 on the boundary.

    **Arguments:**

    - `options`: of `SinusoidalMLP`.
    """
    options = {"width": 25, "depth": 3, **options}
    network: AbstractNetwork = SinusoidalMLP(problem.domain, problem.components, **options, key=key)
    zero = _zero_components(problem)
    if zero.any() and not zero.all():
        matrix = np.eye(problem.components)
        matrix[zero, int(np.argmin(zero))] = -1
        network = Mixed(network, matrix.tolist())
    return HardDirichlet(network, problem.domain) if problem.zero_boundary else network


def _zero_components(problem: AbstractProblem) -> np.ndarray:
    """Which components of the initial value vanish at all of a thousand points."""
    points = jnp.asarray(problem.domain.spread(1_000), float)
    return np.all(np.asarray(jax.vmap(problem.initial)(points)) == 0, axis=0)


def default_velocity(network: AbstractNetwork) -> AbstractVelocitySolver:
    """A dense solve for a random subset of the parameters, or conjugate gradients for many.

    The arithmetic chooses the solver of the subset: in float32 the normal equations lose the
    singular values of J below 1e-3 of the largest, QR of J does not.
    """
    theta, _ = flatten(network)
    double = theta.dtype == "float64"
    if theta.size > DENSE_LIMIT:
        return RidgeCG(
            damping=1e-8 if double else 1e-6,
            rtol=1e-6 if double else 1e-4,
            preconditioner=Nystrom(200),
        )
    if double:
        return RandomSubset(RidgeCholesky(damping=1e-9), 700)
    return RandomSubset(LeastSquares(damping=1e-9), 500)


def default_method(problem: AbstractProblem, network: AbstractNetwork) -> NeuralIVP:
    """The method for a network: its size and dtype choose the velocity solver."""
    velocity = default_velocity(network)
    return NeuralIVP(
        sampler=Following(2_000 if isinstance(velocity, RandomSubset) else 10_000),
        velocity=velocity,
        integrator=Adaptive(dfx.Tsit5(), rtol=1e-4, atol=1e-6),
        fit=(Adam(), LastLayer()),
    )
