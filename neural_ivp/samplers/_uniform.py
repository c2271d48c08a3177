"""Points of uniform density: independent, or evenly spread with a random shift."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from .._errors import check_count
from .._types import Field, Points
from ..domains import AbstractDomain
from ..domains._base import even_unit_points
from ._base import AbstractSampler, Sample


def _equal_weights(points: Points) -> Sample:
    n = points.shape[0]
    return Sample(points, jnp.full((n,), 1 / n, points.dtype))


class Uniform(AbstractSampler):
    """Independent uniform points, as in the paper.

    **Arguments:**

    - `num_points`: n. Good values: at least twice the number of parameters, or 10 000.
    """

    num_points: int = eqx.field(static=True)

    def __check_init__(self):
        check_count("num_points", self.num_points)

    @property
    def covers_domain(self) -> bool:
        return True

    def init(self, domain: AbstractDomain, dtype: Any, key: PRNGKeyArray) -> Array:
        del domain, key
        return jnp.zeros((0,), dtype)  # carries the dtype only

    def draw(
        self, state: Array, domain: AbstractDomain, field: Field, key: PRNGKeyArray
    ) -> tuple[Sample, Array]:
        del field
        shape = (self.num_points, domain.dimension)
        unit = jax.random.uniform(key, shape, state.dtype)
        return _equal_weights(jax.vmap(domain.from_unit)(unit)), state


class QuasiUniform(AbstractSampler):
    """Evenly spread points, shifted at random at each draw (Cranley & Patterson, 1976).

    Each point is uniform in the domain, so means are unbiased, but the points of one draw fill
    it evenly (`AbstractDomain.spread`) and the mean of a smooth function varies far less from
    draw to draw than with `Uniform`.

    **Arguments:**

    - `num_points`: n. Good values: twice the number of parameters.
    """

    num_points: int = eqx.field(static=True)

    def __check_init__(self):
        check_count("num_points", self.num_points)

    @property
    def covers_domain(self) -> bool:
        return True

    def init(self, domain: AbstractDomain, dtype: Any, key: PRNGKeyArray) -> Points:
        del key
        return jnp.asarray(even_unit_points(self.num_points, domain.dimension), dtype)

    def draw(
        self, state: Points, domain: AbstractDomain, field: Field, key: PRNGKeyArray
    ) -> tuple[Sample, Points]:
        del field
        shift = jax.random.uniform(key, (1, domain.dimension), state.dtype)
        unit = state + shift
        return _equal_weights(jax.vmap(domain.from_unit)(unit - jnp.floor(unit))), state
