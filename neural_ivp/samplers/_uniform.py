"""Points of uniform density: independent, or evenly spread with a random shift."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from ..domains import AbstractDomain, low_discrepancy_unit_points
from ..errors import check_count
from ..types import Field, Points, WeightedPoints
from ._base import AbstractSampler
from ._point_sets import shifted_points, uniform_points


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
    ) -> tuple[WeightedPoints, Array]:
        del field
        points = uniform_points(domain, self.num_points, state.dtype, key)
        return WeightedPoints.equal(points), state


class QuasiMonteCarlo(AbstractSampler):
    """Evenly spread points, shifted at random at each draw (Cranley & Patterson, 1976).

    Each point is uniform in the domain, so means are unbiased, but the points of one draw fill
    it evenly (`AbstractDomain.low_discrepancy_points`) and the mean of a smooth function varies
    far less from draw to draw than with `Uniform`.

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
        return jnp.asarray(low_discrepancy_unit_points(self.num_points, domain.dimension), dtype)

    def draw(
        self, state: Points, domain: AbstractDomain, field: Field, key: PRNGKeyArray
    ) -> tuple[WeightedPoints, Points]:
        del field
        return WeightedPoints.equal(shifted_points(domain, state, key)), state
