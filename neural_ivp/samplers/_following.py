"""Points that follow the solution: dense where it is large, with the weights that correct it."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from .._errors import InputError, check_count
from .._types import Field, Points, Weights
from ..domains import AbstractDomain
from ..domains._base import even_unit_points
from ._base import AbstractSampler, Sample
from ._uniform import QuasiUniform


class Following(AbstractSampler):
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
        count = self._candidates().num_points
        return jnp.asarray(along_a_curve(even_unit_points(count, domain.dimension)), dtype)

    def _candidates(self) -> QuasiUniform:
        return QuasiUniform(self.num_points * self.oversampling)

    def draw(
        self, state: Points, domain: AbstractDomain, field: Field, key: PRNGKeyArray
    ) -> tuple[Sample, Points]:
        shift_key, pick_key = jax.random.split(key)
        candidates, state = self._candidates().draw(state, domain, field, shift_key)
        values = jax.vmap(field)(candidates.points).astype(candidates.points.dtype)
        density = self._density(values)
        chosen = systematic(density, self.num_points, pick_key)
        weights = 1 / density[chosen]
        return Sample(candidates.points[chosen], weights / jnp.sum(weights)), state

    def _density(self, values: Array) -> Weights:
        size = jnp.abs(values)
        mean = jnp.mean(size, axis=0)
        ratio = jax.vmap(lambda row: jnp.where(mean > 0, row / jnp.where(mean > 0, mean, 1), 1))(
            size
        )
        return 1 - self.fraction + self.fraction * jnp.mean(ratio, axis=1)


def along_a_curve(unit: np.ndarray) -> np.ndarray:
    """Points of the unit cube in Morton's order, in which neighbours in space are near.

    Systematic resampling picks every so many-th: in the order in which the evenly spread points are
    made, a multiple of their golden ratio, that leaves gaps a hundred times as wide as it should.
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
    """`count` indices, each drawn in proportion to `density`, from one random offset."""
    total = jnp.cumsum(density)
    offset = jax.random.uniform(key, (), density.dtype)
    levels = (jnp.arange(count) + offset) / count * total[-1]
    return jnp.clip(jnp.searchsorted(total, levels), 0, density.size - 1)
