"""When to add directions to the network of a density."""

from collections.abc import Mapping, Sequence

import equinox as eqx
import numpy as np

from ...errors import check_count, check_positive
from ...networks import GaussianFrame, held_mask


class DirectionGrowth(eqx.Module):
    r"""Adds directions to the `RidgeSum` of a density where it does not follow the equation.

    The root mean square over held-out particles of the residual of $\partial_t \log u$, 1 / time,
    is compared with the largest rate $\partial_t \log u$ so far. Where it exceeds a share of that
    in two steps, as many directions as there are, are added, with coefficients of zero: u does not
    change. They are those in which a ridge sum describes the residual best
    (`neural_ivp.fitting.ridge_directions`).

    **Arguments:**

    - `share`: of the largest rate, positive. Good values: 0.01 to 0.1.
    - `most`: the largest number of directions for each dimension.
    - `particles`: the least number of them for each free parameter of a network with added
      directions. More are drawn where they are too few: with them the least squares fit what lies
      between the particles wrongly, and the march becomes unstable.

    **Raises:** `InputError` for a value out of range.

    ```python
    growth = nivp.DirectionGrowth(share=0.02)
    ```
    """

    share: float = eqx.field(static=True, default=0.02)
    most: int = eqx.field(static=True, default=4)
    particles: int = eqx.field(static=True, default=8)

    def __check_init__(self):
        check_positive("share", self.share)
        check_count("most", self.most)
        check_count("particles", self.particles)

    def due(self, records: Sequence[Mapping[str, np.ndarray]]) -> bool:
        """Whether the last two accepted ones of these steps ask for directions: one may have met a
        particle far out."""
        accepted = [record for record in records if record["accepted"]]
        if len(accepted) < 2:
            return False
        residuals = [step["held_out_residual"] * step["rhs_norm"] for step in accepted[-2:]]
        return bool(min(residuals) > self.share * max(step["rhs_norm"] for step in accepted))

    def allows(self, network: GaussianFrame) -> bool:
        """Whether the network may have twice as many directions."""
        d = network.dimension
        return d > 1 and 2 * network.inner.num_directions <= self.most * d

    def num_particles(self, network: GaussianFrame) -> int:
        """The least number of particles of a network with added directions."""
        return self.particles * int(np.sum(~held_mask(network)))
