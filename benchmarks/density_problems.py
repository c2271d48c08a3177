"""Densities that `densities.py` measures beside those of `configs/`."""

import jax
import jax.numpy as jnp
import numpy as np

import neural_ivp as nivp
from neural_ivp.defaults import solve_keys
from neural_ivp.references import LineDensity, RotatedProduct

P = nivp.problems
# Two bumps along one hidden axis, of double wells; their weights and the variance of each.
BUMPS, WEIGHTS, VARIANCE, REST = (-1.0, 0.8), (0.4, 0.6), 0.15, (0.0, 0.3, 0.6)


def two_bumps() -> tuple[nivp.FokkerPlanck, RotatedProduct]:
    """Double wells in four dimensions from a mixture: the first rate is no polynomial."""
    rotation = P.DoubleWells(4).rotation

    def normal(y, mean):
        return np.exp(-((y - mean) ** 2) / (2 * VARIANCE)) / np.sqrt(2 * np.pi * VARIANCE)

    def mixture(y):
        return sum(w * normal(y, m) for w, m in zip(WEIGHTS, BUMPS, strict=True))

    starts = [mixture, *(lambda y, m=m: normal(y, m) for m in REST)]
    factors = [LineDensity(lambda y: y - y**3, 0.2, start, -4, 4) for start in starts]
    exact = RotatedProduct(factors, rotation, [(k,) for k in range(4)])
    Q = jnp.asarray(rotation)
    problem = nivp.FokkerPlanck(
        lambda t, x: Q @ (Q.T @ x - (Q.T @ x) ** 3),
        0.2,
        nivp.GaussianMixture(
            [rotation @ np.r_[m, REST] for m in BUMPS], [VARIANCE * np.eye(4)] * 2, WEIGHTS
        ),
        reference=lambda t, x: np.exp(exact.log_density(t, np.asarray(x)))[:, None],
    )
    return problem, exact


# The problem, and the last time.
MADE = {
    "coupled_wells_4d": lambda: (P.DoubleWells(4, coupling=0.25), 3.0),
    "double_well_2d": lambda: (P.DoubleWells(2), 3.0),
    "two_bumps_4d": lambda: (two_bumps()[0], 3.0),
    "rotating_20d": lambda: (P.RotatingTrap(20), 3.0),
    "heat_space_50d": lambda: (P.HeatSpace(50), 1.0),
    "heat_space_100d": lambda: (P.HeatSpace(100), 1.0),
    "frozen_2d": lambda: (P.HarmonicTrap(2), 8.0),
    "frozen_8d": lambda: (P.HarmonicTrap(8), 8.0),
}


def network_of(name: str, problem, key) -> nivp.networks.AbstractNetwork:
    """The default network, of `frozen_2d` and `frozen_8d` with a frame that stands still."""
    network = nivp.default_network(problem, key=solve_keys(key)[0])
    if not name.startswith("frozen"):
        return network
    assert isinstance(network, nivp.GaussianFrame)
    return nivp.GaussianFrame.of(network.inner, problem.process.initial, moving=False)


def times(end: float) -> np.ndarray:
    return np.linspace(0.0, end, 5)


jax.config.update("jax_enable_x64", True)
