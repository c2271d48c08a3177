"""Importance sampling: points are dense where the solution is large, and weighted for it."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from ..domains import AbstractDomain, low_discrepancy_unit_points
from ..errors import InputError, check_count
from ..types import Field, Points, WeightedPoints, Weights
from ._base import AbstractSampler
from ._point_sets import along_a_curve, shifted_points, systematic


class ImportanceSampling(AbstractSampler):
    r"""Points of density $q(x) \propto 1 - \rho + \rho |u| / \overline{|u|}$, weighted by 1/q.

    With several components the ratio is averaged over them; fits let the points follow their target
    and its misfit in this way. A bump that fills 2 % of the
    domain gets half of the points instead of 2 %, and the means stay those of the uniform
    density. `num_points` of them are picked among `oversampling` times as many evenly spread
    candidates by systematic resampling along a curve that fills space, which leaves little
    variance of its own and no gaps.

    **Arguments:**

    - `num_points`: n. Good values: the number of parameters moved at once, or twice that.
    - `fraction`: rho, below one: the share of the points that follow the solution.
    - `oversampling`: candidates per point; enough that the bump holds n of them.

    **Raises:** `InputError` for a count below one or a fraction outside [0, 1).

    Source: importance sampling of the residual's mean; Douc & Cappe, "Comparison of resampling
    schemes for particle filtering", 2005, for systematic resampling; Gerber, Chopin & Whiteley,
    "Negative association, ordering and convergence of resampling methods", 2019, for the curve.
    """

    num_points: int = eqx.field(static=True)
    fraction: float = eqx.field(static=True, default=0.5)
    oversampling: int = eqx.field(static=True, default=32)

    def __check_init__(self):
        check_count("num_points", self.num_points)
        check_count("oversampling", self.oversampling)
        if not 0 <= self.fraction < 1:
            raise InputError(f"`fraction` must lie in [0, 1), got {self.fraction!r}")

    @property
    def covers_domain(self) -> bool:
        return True

    def init(self, domain: AbstractDomain, dtype: Any, key: PRNGKeyArray) -> Points:
        del key
        # By numpy: as a constant of a compiled function it would be sorted while compiling.
        count = self.num_points * self.oversampling
        unit = low_discrepancy_unit_points(count, domain.dimension)
        return jnp.asarray(along_a_curve(unit), dtype)

    def draw(
        self, state: Points, domain: AbstractDomain, field: Field, key: PRNGKeyArray
    ) -> tuple[WeightedPoints, Points]:
        shift_key, pick_key = jax.random.split(key)
        candidates = shifted_points(domain, state, shift_key)
        values = jax.vmap(field)(candidates).astype(candidates.dtype)
        density = self._density(values)
        chosen = systematic(density, self.num_points, pick_key)
        weights = 1 / density[chosen]
        return WeightedPoints(candidates[chosen], weights / jnp.sum(weights)), state

    def _density(self, values: Array) -> Weights:
        size = jnp.abs(values)
        mean = jnp.mean(size, axis=0)
        ratio = jax.vmap(lambda row: jnp.where(mean > 0, row / jnp.where(mean > 0, mean, 1), 1))(
            size
        )
        return 1 - self.fraction + self.fraction * jnp.mean(ratio, axis=1)
