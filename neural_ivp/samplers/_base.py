"""The contract of a sampler, and the sets of points that samplers draw."""

import abc
import math
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ..domains import AbstractDomain
from ..errors import InputError
from ..types import Field, Points, Scalar, WeightedPoints, Weights

# Of the coordinates of candidates: two GiB in float64.
MOST_NUMBERS = 2**28


class AbstractSampler(eqx.Module):
    """Draws weighted points, at which the mean of |J v - f|^2 is taken.

    The weighted mean approximates that over the domain, for any density of the points, unless the
    sampler says otherwise.
    """

    num_points: eqx.AbstractVar[int]
    # True if a draw can return any point of the domain: a fit then samples by its error as well.
    covers_domain: ClassVar[bool]

    @abc.abstractmethod
    def init(self, domain: AbstractDomain, dtype: Any, key: PRNGKeyArray) -> Any:
        """The state that the first draw takes; each draw returns that of the next."""

    @abc.abstractmethod
    def draw(
        self, state: Any, domain: AbstractDomain, field: Field, key: PRNGKeyArray
    ) -> tuple[WeightedPoints, Any]:
        """New points and state; `field` is the current solution, for samplers that depend on it."""

    def held_out(
        self, state: Any, domain: AbstractDomain, field: Field, key: PRNGKeyArray
    ) -> WeightedPoints:
        """Other points than those of the last draw, an eighth as many."""
        draw_key, choice_key = jax.random.split(key)
        draw, _ = self.draw(state, domain, field, draw_key)
        total = draw.weights.size
        subset = jax.random.permutation(choice_key, total)[: max(total // 8, min(total, 64))]
        weights = draw.weights[subset]
        return WeightedPoints(draw.points[subset], weights / jnp.sum(weights))

    def for_problem(self, problem: Any) -> "AbstractSampler":
        """The sampler with what it takes of a problem."""
        del problem
        return self

    def advance(self, state: Any, t0: Scalar, t1: Scalar, key: PRNGKeyArray) -> Any:
        """The state after an accepted step from t0 to t1."""
        del t0, t1, key
        return state


def uniform_points(domain: AbstractDomain, count: int, dtype: Any, key: PRNGKeyArray) -> Points:
    """Independent uniform points of the domain, shape (count, d)."""
    unit = jax.random.uniform(key, (num_candidates(domain, count), domain.dimension), dtype)
    return first_inside(domain, jax.vmap(domain.from_unit)(unit), count)


def shifted_points(domain: AbstractDomain, unit: Points, key: PRNGKeyArray) -> Points:
    """Points of the unit cube after one random periodic shift, mapped to the bounding box."""
    shifted = unit + jax.random.uniform(key, (1, domain.dimension), unit.dtype)
    return jax.vmap(domain.from_unit)(shifted - jnp.floor(shifted))


def num_candidates(domain: AbstractDomain, count: int) -> int:
    """How many uniform points of the bounding box to draw for `count` points of the domain.

    The surplus is six standard deviations of the number inside, or a fifth: the fraction of a
    `LevelSet` is an estimate.
    """
    if domain.fraction == 1:
        return count
    candidates = math.ceil((1.2 * count + 100) / domain.fraction)
    if candidates * domain.dimension > MOST_NUMBERS:
        raise InputError(
            f"{count} points of a domain that fills {domain.fraction:.1g} of its bounding box are "
            f"to be chosen among {candidates:.1g} points, which are too many: use fewer of them, "
            "or a domain that fills its box"
        )
    return candidates


def inside_first(domain: AbstractDomain, points: Points) -> tuple[Points, Array]:
    """The points, those of the domain first and else in their order, and which these are."""
    inside = jax.vmap(domain.contains)(points)
    order = jnp.argsort(~inside, stable=True)
    return points[order], inside[order]


def first_inside(domain: AbstractDomain, points: Points, count: int) -> Float[Array, "m d"]:
    """The first `count` of the points of the bounding box that lie in the domain.

    If fewer do, which `num_candidates` makes all but impossible, the last rows are NaN: a solve
    then fails, where points outside would make it wrong.
    """
    if domain.fraction == 1:
        return points[:count]
    points, inside = inside_first(domain, points)
    return jnp.where(inside[:count, None], points[:count], jnp.nan)


def along_a_curve(unit: np.ndarray) -> np.ndarray:
    """Points of the unit cube in Morton order, in which nearby points are near in space.

    Systematic resampling takes points at nearly equal steps of the order. In the order of a
    low-discrepancy sequence, such steps can be resonant and leave gaps.
    """
    d = unit.shape[1]
    bits = max(60 // d, 1)
    cells = np.floor(unit * 2**bits).astype(np.uint64)
    code = np.zeros(len(unit), np.uint64)
    for bit in reversed(range(bits)):
        for axis in range(min(d, 60)):
            code = (code << np.uint64(1)) | ((cells[:, axis] >> np.uint64(bit)) & np.uint64(1))
    return unit[np.argsort(code, kind="stable")]


def systematic(density: Weights, count: int, key: PRNGKeyArray) -> Array:
    """Systematic resampling: `count` indices in proportion to `density`, from one random offset."""
    cumulative = jnp.cumsum(density)
    offset = jax.random.uniform(key, (), density.dtype)
    levels = (jnp.arange(count) + offset) / count * cumulative[-1]
    return jnp.clip(jnp.searchsorted(cumulative, levels), 0, density.size - 1)
