"""Default network and method for densities in R^d."""

from typing import Any

import diffrax as dfx
import numpy as np
from jaxtyping import PRNGKeyArray

from ..errors import InputError, suggestion
from ..evolution import AdaptiveStep, NeuralIVP
from ..linear import RidgeCholesky
from ..networks import AbstractNetwork, GaussianFrame, RidgeSum, held_mask
from ..problems import AbstractDensityProblem, AbstractProblem
from ..samplers import DiffusionParticles

# Particles for each free parameter, and at least so many.
POINTS, LEAST_POINTS = 4, 2_500
MOST_DIRECTIONS = 32
DAMPING = 1e-8
SIZES = ("num_directions", "num_bumps", "products", "dtype")
# Of log u: an error of u in proportion to u.
DENSITY_RTOL = 1e-3


def density_network(problem: AbstractProblem, key: PRNGKeyArray, **options) -> GaussianFrame:
    """The initial density as the frame, and a `RidgeSum` on top."""
    if not isinstance(problem, AbstractDensityProblem):
        raise InputError(
            "`problem` has a Euclidean domain and is no `FokkerPlanck`: give a network of your "
            "own, or solve it in a box"
        )
    for name in options:
        if name not in SIZES:
            raise InputError(f"`{name}` is no option of RidgeSum.{suggestion(name, SIZES)}")
    d = problem.domain.dimension
    count = min(d, MOST_DIRECTIONS)
    bumps = 32 if d == 1 else 12
    sizes: dict[str, Any] = {"num_directions": count, "num_bumps": bumps} | options
    inner = RidgeSum(d, **sizes, key=key)
    return GaussianFrame.of(inner, problem.process.initial)


def density_method(network: AbstractNetwork, rtol: float) -> NeuralIVP:
    """Explicit steps on particles, with all coefficients free."""
    count = int(np.sum(~held_mask(network)))
    return NeuralIVP(
        sampler=DiffusionParticles(max(POINTS * count, LEAST_POINTS)),
        velocity_solver=RidgeCholesky(damping=DAMPING),
        integrator=AdaptiveStep(dfx.Bosh3(), rtol=rtol, atol=rtol / 100),
    )
