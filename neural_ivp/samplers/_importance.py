"""Importance sampling of the domain by the size of the solution."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from ..devices import over_devices
from ..domains import AbstractDomain, low_discrepancy_unit_points
from ..errors import InputError, check_count
from ..types import Field, Points, WeightedPoints, Weights
from ._base import (
    AbstractSampler,
    along_a_curve,
    inside_first,
    num_candidates,
    shifted_points,
    systematic,
)


class ImportanceSampling(AbstractSampler):
    r"""Points of density $q(x) \propto 1 - \rho + \rho |u| / \overline{|u|}$, weighted by 1/q.

    The ratio is averaged over the components; in fits u is the target and its error. The points
    are chosen among low-discrepancy candidates by systematic resampling along a space-filling
    curve, which adds little variance.

    **Arguments:**

    - `num_points`: n. Good values: the number of parameters moved at once, or twice that.
    - `fraction`: rho, in [0, 1): the share of the points of density |u|. Good values: 0.5.
    - `oversampling`: candidates per point, in the domain. Good values: so many that n lie where
      u is large.

    **Raises:** `InputError` for a count below one or a fraction outside [0, 1).

    Source: Douc & Cappe, "Comparison of resampling schemes for particle filtering", 2005, for
    systematic resampling; Gerber, Chopin & Whiteley, "Negative association, ordering and
    convergence of resampling methods", 2019, for the curve.

    ```python
    sampler = nivp.ImportanceSampling(4_000, fraction=0.7)
    method = nivp.NeuralIVP(sampler=sampler, velocity_solver=nivp.AutoVelocitySolver())
    ```
    """

    num_points: int = eqx.field(static=True)
    fraction: float = eqx.field(static=True, default=0.5)
    oversampling: int = eqx.field(static=True, default=32)
    covers_domain = True

    def __check_init__(self):
        check_count("num_points", self.num_points)
        check_count("oversampling", self.oversampling)
        if not 0 <= self.fraction < 1:
            raise InputError(f"`fraction` must lie in [0, 1), got {self.fraction!r}")

    def init(self, domain: AbstractDomain, dtype: Any, key: PRNGKeyArray) -> Points:
        # In numpy, as XLA would sort these constants during compilation.
        count = num_candidates(domain, self.num_points * self.oversampling)
        unit = low_discrepancy_unit_points(count, domain.dimension)
        return jnp.asarray(along_a_curve(unit), dtype)

    def draw(
        self, state: Points, domain: AbstractDomain, field: Field, key: PRNGKeyArray
    ) -> tuple[WeightedPoints, Points]:
        shift_key, pick_key = jax.random.split(key)
        candidates, inside = shifted_points(domain, state, shift_key), None
        if domain.fraction < 1:  # those outside go to the end of the curve
            candidates, inside = inside_first(domain, candidates)
        values = jax.vmap(field)(over_devices(candidates)).astype(candidates.dtype)
        density = self._density(values, inside)
        chosen = systematic(density, self.num_points, pick_key)
        if inside is not None:  # the cumulative sum of zeros may grow by rounding
            chosen = jnp.minimum(chosen, jnp.sum(inside) - 1)
        weights = 1 / density[chosen]
        return WeightedPoints(candidates[chosen], weights / jnp.sum(weights)), state

    def _density(self, values: Array, inside: Array | None) -> Weights:
        """At the candidates: zero at those that are not `inside`, whose values are not used."""
        size = jnp.abs(values)
        if inside is not None:
            size = jnp.where(inside[:, None], size, 0)
        where = None if inside is None else inside[:, None]
        mean = jnp.mean(size, axis=0, keepdims=True, where=where)
        ratio = jnp.where(mean > 0, size / jnp.where(mean > 0, mean, 1), 1)
        density = 1 - self.fraction + self.fraction * jnp.mean(ratio, axis=1)
        return density if inside is None else jnp.where(inside, density, 0)
