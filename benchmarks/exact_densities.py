"""What `densities.py` compares with: moments, entropies, draws and marginals at one time."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from density_problems import two_bumps

import neural_ivp as nivp
from neural_ivp.references import GaussianDensity, RotatedProduct, linear_moments

# Coordinates of a normal density whose marginals are compared, at most.
AXES, PARTICLES = 8, 100_000


class Normal:
    """The normal density of a problem with a linear drift at one time, by its moments."""

    def __init__(self, problem, t: float, t0: float):
        process, d = problem.process, problem.domain.dimension
        offset = jax.jit(lambda t: process.drift(t, jnp.zeros(d)))
        means, covariances = linear_moments(
            [t],
            matrix=np.asarray(jax.jacfwd(lambda x: process.drift(t0, x))(jnp.zeros(d))),
            offset=lambda t: np.asarray(offset(t)),
            diffusion=np.asarray(process.constant),
            mean0=np.asarray(process.initial.mean),
            covariance0=np.asarray(process.initial.covariance),
            t0=t0,
        )
        self.mean, self.covariance = means[0], covariances[0]
        self.entropy = GaussianDensity(self.mean, self.covariance).entropy()
        self.axes = np.eye(d)[np.unique(np.linspace(0, d - 1, min(d, AXES)).astype(int))]

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return rng.multivariate_normal(self.mean, self.covariance, n)

    def marginal(self, k: int, grid: np.ndarray) -> np.ndarray:
        a = self.axes[k]
        return _normal(grid, a @ self.mean, a @ self.covariance @ a)


class Wells:
    """Independent blocks along hidden axes at one time."""

    def __init__(self, product: RotatedProduct, t: float):
        self.product, self.t = product, t
        self.entropy, self.axes = product.entropy(t), product.rotation.T
        mean, covariance = np.zeros(product.dimension), np.zeros((product.dimension,) * 2)
        moments = cache(self._moments)
        for factor, block in zip(product.factors, product.blocks, strict=True):
            mean[block], covariance[np.ix_(block, block)] = moments(factor)
        self.mean = product.rotation @ mean
        self.covariance = product.rotation @ covariance @ product.rotation.T

    def _moments(self, factor) -> tuple[np.ndarray, np.ndarray]:
        """By the trapezoidal rule on even nodes, within rounding for such functions."""
        nodes = np.linspace(-4, 4, 2001 if factor.dimension == 1 else 401)
        grids = np.meshgrid(*[nodes] * factor.dimension, indexing="ij")
        y = np.stack([grid.ravel() for grid in grids], axis=1)
        mass = factor.density(self.t, y[:, 0] if factor.dimension == 1 else y)
        mass = mass / mass.sum()
        off = y - mass @ y
        return mass @ y, (mass[:, None] * off).T @ off

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return self.product.sample(self.t, n, rng)

    def marginal(self, k: int, grid: np.ndarray) -> np.ndarray:
        return self.product.marginal(self.t, k, grid)


class Particles:
    """The mixture of the normal densities of the last step of many particles.

    Constant D = a number times the unit matrix. Heun's method is of weak second order for it.
    """

    entropy, last, steps = None, 0.01, 500

    def __init__(self, problem, t: float, t0: float):
        process = problem.process
        drift = jax.jit(jax.vmap(process.drift, (None, 0)))
        x = np.asarray(process.initial.sample(PARTICLES, jax.random.key(1)))
        self.spread = 2 * float(process.constant[0, 0])
        rng, dt = np.random.default_rng(1), (t - self.last - t0) / self.steps
        for k in range(self.steps):
            now, noise = t0 + k * dt, np.sqrt(self.spread * dt) * rng.standard_normal(x.shape)
            first = np.asarray(drift(now, x))
            second = np.asarray(drift(now + dt, x + dt * first + noise))
            x = x + dt / 2 * (first + second) + noise
        self.centres = x + self.last * np.asarray(drift(t - self.last, x))
        self.mean, self.axes = self.centres.mean(axis=0), np.eye(x.shape[1])
        self.covariance = np.cov(self.centres.T) + self.spread * self.last * self.axes

    def marginal(self, k: int, grid: np.ndarray) -> np.ndarray:
        centres = self.centres[:, k]
        return np.array([_normal(s, centres, self.spread * self.last).mean() for s in grid])


def _normal(s, mean, variance):
    return np.exp(-((s - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)


def exact_density(name: str, problem, t: float, t0: float):
    """The exact density of a problem at time t, which began at t0."""
    if name == "two_bumps_4d":
        return Wells(two_bumps()[1], t)
    if isinstance(problem, nivp.problems.InteractingParticles):
        return Particles(problem, t, t0)
    if isinstance(problem, nivp.problems.DoubleWells):
        return Wells(problem.density(), t - t0)
    if isinstance(problem, nivp.problems.Relaxation):
        return Wells(RotatedProduct([problem.density()], np.eye(1), [[0]]), t - t0)
    return Normal(problem, t, t0)
