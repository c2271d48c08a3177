"""Points of uniform density: independent, or evenly spread with a random shift."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from ..domains import AbstractDomain, low_discrepancy_unit_points
from ..errors import check_count
from ..types import Field, Points, WeightedPoints
from ._base import AbstractSampler, first_inside, num_candidates, shifted_points, uniform_points


class Uniform(AbstractSampler):
    """Independent uniform points, as in the paper.

    **Arguments:**

    - `num_points`: n. Good values: at least twice the number of parameters, or 10 000.

    ```python
    method = nivp.NeuralIVP(sampler=nivp.Uniform(1_000), velocity_solver=nivp.RidgeCholesky())
    ```
    """

    num_points: int = eqx.field(static=True)
    covers_domain = True

    def __check_init__(self):
        check_count("num_points", self.num_points)

    def init(self, domain: AbstractDomain, dtype: Any, key: PRNGKeyArray) -> Array:
        return jnp.zeros((0,), dtype)  # carries the dtype only

    def draw(
        self, state: Array, domain: AbstractDomain, field: Field, key: PRNGKeyArray
    ) -> tuple[WeightedPoints, Array]:
        points = uniform_points(domain, self.num_points, state.dtype, key)
        return WeightedPoints.equal(points), state


class QuasiMonteCarlo(AbstractSampler):
    """Low-discrepancy points with a random shift for each draw (randomised quasi Monte Carlo).

    Each point is uniform in the domain, so means are unbiased; those of smooth functions have a
    smaller variance than with `Uniform`. Where the domain does not fill its bounding box, these are
    the first n points inside, and the bias is small compared with the deviation.

    **Arguments:**

    - `num_points`: n. Good values: twice the number of parameters.

    Source: Cranley & Patterson, "Randomization of number theoretic methods", 1976.

    ```python
    sampler = nivp.QuasiMonteCarlo(1_000)
    method = nivp.NeuralIVP(sampler=sampler, velocity_solver=nivp.RidgeCholesky())
    ```
    """

    num_points: int = eqx.field(static=True)
    covers_domain = True

    def __check_init__(self):
        check_count("num_points", self.num_points)

    def init(self, domain: AbstractDomain, dtype: Any, key: PRNGKeyArray) -> Points:
        count = num_candidates(domain, self.num_points)
        return jnp.asarray(low_discrepancy_unit_points(count, domain.dimension), dtype)

    def draw(
        self, state: Points, domain: AbstractDomain, field: Field, key: PRNGKeyArray
    ) -> tuple[WeightedPoints, Points]:
        points = first_inside(domain, shifted_points(domain, state, key), self.num_points)
        return WeightedPoints.equal(points), state
