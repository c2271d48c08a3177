"""Default network and method for densities in R^d."""

from typing import Any

import diffrax as dfx
import numpy as np
from jaxtyping import PRNGKeyArray

from ..errors import InputError, suggestion
from ..evolution import AdaptiveStep, DirectionGrowth, NeuralIVP
from ..linear import RidgeCholesky
from ..networks import AbstractNetwork, GaussianFrame, RidgeSum, held_mask
from ..problems import AbstractDensityProblem, AbstractProblem
from ..samplers import DiffusionParticles

# Particles: at least and at most, and over the squared number of parameters, the work of a step.
# `DirectionGrowth` takes more for many parameters.
LEAST_POINTS, MOST_POINTS, WORK = 2_500, 10_000, 2e8
MOST_DIRECTIONS = 32
# Relative; on the line, where particles are everywhere, and in more dimensions, where a smaller one
# lets modes grow that few particles see.
DAMPING_ON_A_LINE, DAMPING = 1e-8, 1e-6
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
    bumps = 32 if d == 1 else 16
    sizes: dict[str, Any] = {"num_directions": count, "num_bumps": bumps} | options
    inner = RidgeSum(d, **sizes, key=key)
    return GaussianFrame.of(inner, problem.process.initial)


def density_method(network: AbstractNetwork, rtol: float) -> NeuralIVP:
    """Explicit steps on particles, with all coefficients free."""
    free = int(np.sum(~held_mask(network)))
    count = min(max(int(WORK / free**2), LEAST_POINTS), MOST_POINTS)
    line = isinstance(network, GaussianFrame) and network.dimension == 1
    damping = DAMPING_ON_A_LINE if line else DAMPING
    return NeuralIVP(
        sampler=DiffusionParticles(count),
        velocity_solver=RidgeCholesky(damping=damping),
        integrator=AdaptiveStep(dfx.Bosh3(), rtol=rtol, atol=rtol / 100),
        growth=DirectionGrowth(),
    )
