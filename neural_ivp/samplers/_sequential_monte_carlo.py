"""Sequential Monte Carlo sampling from |u|, in many dimensions too."""

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
from ._base import AbstractSampler
from ._point_sets import systematic, uniform_points


class ParticleState(NamedTuple):
    """SequentialMonteCarlo of density proportional to exp(`level`).

    - `log_mean`: of exp(level), the mean being over the domain.
    - `exponent`: beta reached; 1 once they have followed a solution.
    """

    points: Points
    level: Float[Array, " n"]
    log_mean: Scalar
    exponent: Scalar


class SequentialMonteCarlo(AbstractSampler):
    r"""Points of density $q(x) \propto |u(x)|$, mixed with uniform ones.

    The particles start uniform and are led to |u| through the densities $|u|^\beta$: beta
    rises from 0 to 1 so slowly that half of the particles stay of use each time (resampling),
    and random-walk Metropolis steps, scaled by the particles' covariance, spread the others.
    From then on each draw moves those of the draw before. So a bump is found that no set of
    evenly spread candidates meets, as long as its tails do not round to zero: of width 0.05 in
    a box of five dimensions, or a normal density in eight.

    With several components |u| is the sum of the ratios |u_k| / max |u_k| over the particles. They
    must overlap: of narrow bumps in different places, one for each component, some may be lost.

    **Arguments:**

    - `num_points`: n. Good values: twice the number of parameters moved at once.
    - `fraction`: the share of the points that follow u; the others are uniform.
    - `measure`: of the means. "solution": all points weigh the same, so that it is the density
      of the points itself, and errors count where the solution is. "uniform": weights 1 / q,
      the measure of all other samplers, with the mean of |u| that the particles estimate.
    - `num_mcmc_steps`: Metropolis steps for each density. Good values: 5 to 20.

    **Raises:** `InputError` for a count below one, a fraction outside (0, 1], a fraction of 1
    in the uniform measure (there would be no point where u is small), or another measure.

    Source: Del Moral, Doucet & Jasra, "Sequential Monte Carlo samplers", 2006; Roberts, Gelman &
    Gilks, 1997, for the scale of the moves; Bruna, Peherstorfer & Vanden-Eijnden, "Neural Galerkin
    schemes with active learning", 2022, for the measure of the solution itself.
    """

    num_points: int = eqx.field(static=True)
    fraction: float = eqx.field(static=True, default=0.8)
    measure: Literal["solution", "uniform"] = eqx.field(static=True, default="solution")
    num_mcmc_steps: int = eqx.field(static=True, default=10)

    def __check_init__(self):
        check_count("num_points", self.num_points)
        check_count("num_mcmc_steps", self.num_mcmc_steps)
        if self.measure not in ("solution", "uniform"):
            raise InputError(f'`measure` must be "solution" or "uniform", got {self.measure!r}')
        if not 0 < self.fraction <= 1:
            raise InputError(f"`fraction` must lie in (0, 1], got {self.fraction!r}")
        if self.fraction == 1 and self.measure == "uniform":
            raise InputError('`fraction` must be below 1 with `measure="uniform"`, got 1')

    @property
    def covers_domain(self) -> bool:
        return False  # no particle walks from one place to another across nothing

    def init(self, domain: AbstractDomain, dtype: Any, key: PRNGKeyArray) -> ParticleState:
        count = max(1, round(self.fraction * self.num_points))
        points = uniform_points(domain, count, dtype, key)
        zero = jnp.zeros((), dtype)
        return ParticleState(points, jnp.zeros(count, dtype), zero, zero)

    def draw(
        self, state: ParticleState, domain: AbstractDomain, field: Field, key: PRNGKeyArray
    ) -> tuple[WeightedPoints, ParticleState]:
        lead_key, rest_key = jax.random.split(key)
        level = _level(field, state.points)
        particles = _lead(state, domain, level, self.num_mcmc_steps, lead_key)
        followers, dtype = particles.level.size, particles.points.dtype
        points, rest = particles.points, self.num_points - followers
        if rest > 0:
            uniform = uniform_points(domain, rest, dtype, rest_key)
            points = jnp.concatenate([points, uniform])
        if self.measure == "solution":
            weights = jnp.full(self.num_points, 1 / self.num_points, dtype)
        else:
            share = followers / self.num_points
            density = jnp.exp(jax.vmap(level)(points) - particles.log_mean)
            weights = 1 / (share * density + 1 - share)
        return WeightedPoints(points, weights / jnp.sum(weights)), particles


def _level(field: Field, points: Points) -> Callable[[Point], Scalar]:
    """log |u| at one point, each component relative to its largest value at the particles."""
    largest = jnp.max(jnp.abs(jax.vmap(field)(points)), axis=0).astype(points.dtype)
    # A field that is zero everywhere has no place of its own.
    largest = jnp.where(jnp.any(largest > 0), largest, jnp.inf)

    def level(x):
        size = jnp.abs(field(x)).astype(x.dtype)
        ratio = jnp.where(largest > 0, size / jnp.where(largest > 0, largest, 1), 0)
        return jnp.where(jnp.any(jnp.isinf(largest)), 0, jnp.log(jnp.sum(ratio)))

    return level


def _lead(
    state: ParticleState, domain: AbstractDomain, level, num_steps: int, key: PRNGKeyArray
) -> ParticleState:
    """Particles of density |u|, from uniform ones or from those of the draw before."""

    def advance(carry):
        particles, key, _ = carry
        key, pick_key, walk_key = jax.random.split(key, 3)
        # Those that followed the solution before are there at once.
        log_u = jax.vmap(level)(particles.points)
        exponent = jnp.where(particles.exponent < 1, _next_exponent(particles, log_u), 1)
        gain = exponent * log_u - particles.level
        top = jnp.max(gain)
        ratio = jnp.exp(gain - top)
        chosen = systematic(ratio, ratio.size, pick_key)
        log_mean = particles.log_mean + top + jnp.log(jnp.mean(ratio))
        particles = ParticleState(
            particles.points[chosen], exponent * log_u[chosen], log_mean, exponent
        )
        return _walk(particles, domain, level, num_steps, walk_key), key, False

    def short(carry):
        particles, _, first = carry
        return first | (particles.exponent < 1)

    return jax.lax.while_loop(short, advance, (state, key, True))[0]


def _next_exponent(particles: ParticleState, log_u: Float[Array, " n"]) -> Scalar:
    """The largest beta at which half of the particles are still effective."""

    def useful(exponent):
        gain = exponent * log_u - particles.level
        ratio = jnp.exp(gain - jnp.max(gain))
        return jnp.sum(ratio) ** 2 >= 0.5 * ratio.size * jnp.sum(ratio**2)

    def halve(_, bounds):
        low, high = bounds
        middle = (low + high) / 2
        fits = useful(middle)
        return jnp.where(fits, middle, low), jnp.where(fits, high, middle)

    now, one = particles.exponent, jnp.ones_like(particles.exponent)
    low, _ = jax.lax.fori_loop(0, 40, halve, (now, one))
    # Where no increase would keep half (most of u rounds to zero), a small one is made.
    return jnp.where(useful(one), one, jnp.minimum(one, jnp.maximum(low, 1.01 * now + 1e-6)))


def _walk(
    particles: ParticleState, domain: AbstractDomain, level, num_steps: int, key: PRNGKeyArray
) -> ParticleState:
    """Random-walk Metropolis steps of all particles, under the density they have."""
    count, d = particles.points.shape
    centred = domain.centred(particles.points)
    covariance = centred.T @ centred / count
    floor = 10 * jnp.finfo(covariance.dtype).eps * jnp.trace(covariance)
    root = jnp.linalg.cholesky(covariance + floor * jnp.eye(d, dtype=covariance.dtype))
    scale = 2.38 / math.sqrt(d)

    def move(carry, move_key):
        points, now = carry
        shift_key, accept_key = jax.random.split(move_key)
        shift = jax.random.normal(shift_key, points.shape, points.dtype) @ root.T
        trial = jax.vmap(domain.wrap)(points + scale * shift)
        inside = jax.vmap(domain.contains)(trial)
        there = jnp.where(inside, particles.exponent * jax.vmap(level)(trial), -jnp.inf)
        chance = jnp.log(jax.random.uniform(accept_key, now.shape, now.dtype))
        taken = chance < there - now
        return (jnp.where(taken[:, None], trial, points), jnp.where(taken, there, now)), None

    keys = jax.random.split(key, num_steps)
    (points, there), _ = jax.lax.scan(move, (particles.points, particles.level), keys)
    return particles._replace(points=points, level=there)
