"""Sensible networks and methods for a problem: what measured best on two cores.

`benchmarks/velocity_choice.py` prints the table that these choices rest on.
"""

from typing import Any

import diffrax as dfx
from jaxtyping import PRNGKeyArray

from ..evolution import Adaptive, NeuralIVP
from ..fitting import Adam, LastLayer
from ..linear import AbstractVelocitySolver, Nystrom, RidgeCG, RidgeCholesky
from ..networks import AbstractNetwork, HardDirichlet, SinusoidalMLP, flatten
from ..problems import AbstractProblem
from ..samplers import Following

# Above this many parameters a dense M costs more than the products of conjugate gradients.
DENSE_LIMIT = 4_000


def default_network(
    problem: AbstractProblem, *, key: PRNGKeyArray, **options: Any
) -> AbstractNetwork:
    """A `SinusoidalMLP` for the problem, in `HardDirichlet` where u = 0 on the boundary.

    **Arguments:**

    - `options`: of `SinusoidalMLP`; width 25 and depth 3 if not given.
    """
    options = {"width": 25, "depth": 3, **options}
    network = SinusoidalMLP(problem.domain, problem.components, **options, key=key)
    return HardDirichlet(network, problem.domain) if problem.zero_boundary else network


def default_velocity(network: AbstractNetwork) -> AbstractVelocitySolver:
    """Dense Cholesky for small networks, preconditioned conjugate gradients otherwise.

    The damping follows the arithmetic: M holds the squares of J's singular values, so float32
    cannot resolve eigenvalues below 1e-7 of the largest.
    """
    theta, _ = flatten(network)
    double = theta.dtype == "float64"
    if theta.size <= DENSE_LIMIT:
        return RidgeCholesky(damping=1e-8 if double else 1e-6)
    return RidgeCG(
        damping=1e-8 if double else 1e-6,
        rtol=1e-6 if double else 1e-4,
        preconditioner=Nystrom(200),
    )


def default_method(problem: AbstractProblem, network: AbstractNetwork) -> NeuralIVP:
    """The method for a network: its size and dtype choose solver, points and damping."""
    theta, _ = flatten(network)
    return NeuralIVP(
        sampler=Following(min(max(2_000, theta.size), 10_000)),
        velocity=default_velocity(network),
        integrator=Adaptive(dfx.Tsit5(), rtol=1e-3, atol=1e-6),
        fit=(Adam(), LastLayer()),
    )
