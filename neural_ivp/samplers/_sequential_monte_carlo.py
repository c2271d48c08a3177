"""Sequential Monte Carlo sampling from |u|."""

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ..domains import AbstractDomain
from ..errors import InputError, check_count
from ..types import Field, Point, Points, Scalar, WeightedPoints
from ._base import AbstractSampler, systematic, uniform_points


class ParticleState(NamedTuple):
    """Particles of density exp(`log_density`), not normalised.

    - `log_mean`: logarithm of the mean of exp(`log_density`) over the domain.
    - `exponent`: beta reached; 1 after the first draw.
    """

    points: Points
    log_density: Float[Array, " n"]
    log_mean: Scalar
    exponent: Scalar


class SequentialMonteCarlo(AbstractSampler):
    r"""Particles of density $q(x) \propto |u(x)|$, mixed with uniform points.

    The first draw anneals uniform particles through the densities $|u|^\beta$. Each increase of
    beta keeps half of the particles effective; resampling and random-walk Metropolis steps,
    scaled by the covariance of the particles, follow. Later draws start from the particles of
    the previous one. This works in many dimensions, while the tails of u do not round to zero.

    With several components |u| is the sum of |u_k| / max |u_k|, with the maximum over the
    particles. Components with narrow supports that do not overlap may be lost.

    **Arguments:**

    - `num_points`: n. Good values: twice the number of parameters moved at once.
    - `fraction`: the share of particles, in (0, 1]; the other points are uniform.
    - `measure`: of the means. "solution": equal weights, so errors count in proportion to |u|.
      "uniform": weights 1 / q, the measure of all other samplers; needs a fraction below 1.
    - `num_mcmc_steps`: Metropolis steps for each density. Good values: 5 to 20.

    **Raises:** `InputError` for a count, a fraction or a measure other than these.

    Source: Del Moral, Doucet & Jasra, "Sequential Monte Carlo samplers", 2006; Roberts, Gelman &
    Gilks, 1997, for the scale of the steps; Bruna, Peherstorfer & Vanden-Eijnden, "Neural Galerkin
    schemes with active learning", 2022, for the measure of the solution.

    ```python
    sampler = nivp.SequentialMonteCarlo(2_000, measure="uniform")
    method = nivp.NeuralIVP(sampler=sampler, velocity_solver=nivp.RidgeDualCG())
    ```
    """

    num_points: int = eqx.field(static=True)
    fraction: float = eqx.field(static=True, default=0.8)
    measure: Literal["solution", "uniform"] = eqx.field(static=True, default="solution")
    num_mcmc_steps: int = eqx.field(static=True, default=10)
    covers_domain = False  # particles do not cross regions where u vanishes

    def __check_init__(self):
        check_count("num_points", self.num_points)
        check_count("num_mcmc_steps", self.num_mcmc_steps)
        if self.measure not in ("solution", "uniform"):
            raise InputError(f'`measure` must be "solution" or "uniform", got {self.measure!r}')
        if not 0 < self.fraction <= 1:
            raise InputError(f"`fraction` must lie in (0, 1], got {self.fraction!r}")
        if self.fraction == 1 and self.measure == "uniform":
            raise InputError('`fraction` must be below 1 with `measure="uniform"`, got 1')

    def init(self, domain: AbstractDomain, dtype: Any, key: PRNGKeyArray) -> ParticleState:
        count = max(1, round(self.fraction * self.num_points))
        points = uniform_points(domain, count, dtype, key)
        zero = jnp.zeros((), dtype)
        return ParticleState(points, jnp.zeros(count, dtype), zero, zero)

    def draw(
        self, state: ParticleState, domain: AbstractDomain, field: Field, key: PRNGKeyArray
    ) -> tuple[WeightedPoints, ParticleState]:
        anneal_key, uniform_key = jax.random.split(key)
        log_u = _log_size(field, state.points)
        particles = _anneal(state, domain, log_u, self.num_mcmc_steps, anneal_key)
        points, dtype = particles.points, particles.points.dtype
        num_particles = len(points)
        if num_particles < self.num_points:
            uniform = uniform_points(domain, self.num_points - num_particles, dtype, uniform_key)
            points = jnp.concatenate([points, uniform])
        if self.measure == "solution":
            weights = jnp.full(self.num_points, 1 / self.num_points, dtype)
        else:
            share = num_particles / self.num_points
            density = jnp.exp(jax.vmap(log_u)(points) - particles.log_mean)
            weights = 1 / (share * density + 1 - share)
        return WeightedPoints(points, weights / jnp.sum(weights)), particles


def _log_size(field: Field, points: Points) -> Callable[[Point], Scalar]:
    """log |u| at one point, each component relative to its largest value at the particles."""
    largest = jnp.max(jnp.abs(jax.vmap(field)(points)), axis=0).astype(points.dtype)
    # Where u vanishes at all particles, its density is replaced by the uniform one.
    largest = jnp.where(jnp.any(largest > 0), largest, jnp.inf)

    def log_u(x):
        size = jnp.abs(field(x)).astype(x.dtype)
        ratio = jnp.where(largest > 0, size / jnp.where(largest > 0, largest, 1), 0)
        return jnp.where(jnp.any(jnp.isinf(largest)), 0, jnp.log(jnp.sum(ratio)))

    return log_u


def _anneal(
    state: ParticleState, domain: AbstractDomain, log_u, num_steps: int, key: PRNGKeyArray
) -> ParticleState:
    """Particles of density |u|, from uniform ones or from those of the previous draw."""

    def advance(carry):
        particles, key, _ = carry
        key, resampling_key, walk_key = jax.random.split(key, 3)
        values = jax.vmap(log_u)(particles.points)
        # Particles of a previous solution need no intermediate densities.
        exponent = jnp.where(particles.exponent < 1, _next_exponent(particles, values), 1)
        log_weights = exponent * values - particles.log_density
        largest = jnp.max(log_weights)
        weights = jnp.exp(log_weights - largest)
        chosen = systematic(weights, weights.size, resampling_key)
        log_mean = particles.log_mean + largest + jnp.log(jnp.mean(weights))
        particles = ParticleState(
            particles.points[chosen], exponent * values[chosen], log_mean, exponent
        )
        return _walk(particles, domain, log_u, num_steps, walk_key), key, False

    def unfinished(carry):
        particles, _, first = carry
        return first | (particles.exponent < 1)

    return jax.lax.while_loop(unfinished, advance, (state, key, True))[0]


def _next_exponent(particles: ParticleState, values: Float[Array, " n"]) -> Scalar:
    """The largest beta that keeps half of the particles effective, for `values` of log |u|."""

    def effective(exponent):
        log_weights = exponent * values - particles.log_density
        weights = jnp.exp(log_weights - jnp.max(log_weights))
        return jnp.sum(weights) ** 2 >= 0.5 * weights.size * jnp.sum(weights**2)

    def bisect(_, bounds):
        low, high = bounds
        middle = (low + high) / 2
        accepted = effective(middle)
        return jnp.where(accepted, middle, low), jnp.where(accepted, high, middle)

    previous, one = particles.exponent, jnp.ones_like(particles.exponent)
    low, _ = jax.lax.fori_loop(0, 40, bisect, (previous, one))
    # A minimal increase where bisection finds none, since most values of u round to zero.
    increase = jnp.maximum(low, 1.01 * previous + 1e-6)
    return jnp.where(effective(one), one, jnp.minimum(one, increase))


def _walk(
    particles: ParticleState, domain: AbstractDomain, log_u, num_steps: int, key: PRNGKeyArray
) -> ParticleState:
    """Random-walk Metropolis steps, which leave the density of the particles invariant."""
    count, d = particles.points.shape
    deviations_from_mean = domain.deviations_from_mean(particles.points)
    covariance = deviations_from_mean.T @ deviations_from_mean / count
    floor = 10 * jnp.finfo(covariance.dtype).eps * jnp.trace(covariance)
    root = jnp.linalg.cholesky(covariance + floor * jnp.eye(d, dtype=covariance.dtype))
    scale = 2.38 / math.sqrt(d)

    def move(carry, move_key):
        points, current = carry
        shift_key, accept_key = jax.random.split(move_key)
        shift = jax.random.normal(shift_key, points.shape, points.dtype) @ root.T
        trial = jax.vmap(domain.wrap)(points + scale * shift)
        inside = jax.vmap(domain.contains)(trial)
        proposed = jnp.where(inside, particles.exponent * jax.vmap(log_u)(trial), -jnp.inf)
        threshold = jnp.log(jax.random.uniform(accept_key, current.shape, current.dtype))
        accepted = threshold < proposed - current
        points = jnp.where(accepted[:, None], trial, points)
        return (points, jnp.where(accepted, proposed, current)), None

    keys = jax.random.split(key, num_steps)
    (points, log_density), _ = jax.lax.scan(move, (particles.points, particles.log_density), keys)
    return particles._replace(points=points, log_density=log_density)
