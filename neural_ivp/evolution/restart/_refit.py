"""How to refit: from which weights, by which stages, and how well at least."""

import equinox as eqx
from jaxtyping import PRNGKeyArray

from ...errors import InputError, check_positive
from ...fitting import AbstractFitStage
from ...networks import AbstractNetwork, flatten


class Refit(eqx.Module):
    """What a restart does: fit other weights to the function that the network is.

    A refit that is not good enough is refused: the march goes on with the weights it had, its step
    size chosen anew as after a restart, and the report says so. Rules by measurement then compare
    with the steps after the refusal.

    **Arguments:**

    - `stages`: of the fit; those of the initial fit if not given.
    - `keep`: share of the present weights in the ones the fit starts from, below 1: they are
      `keep` times the present ones plus 1 - `keep` times freshly drawn ones. 0 is the restart of
      the paper; near 1 the fit is shorter, and the conditioning less changed.
    - `tolerance`: the held-out relative L2 error above which a refit is refused; the tolerance
      `rtol` of the steps if not given; none but a finite one where steps have no tolerance.

    **Raises:** `InputError` for a share outside [0, 1), or a tolerance that is not positive.

    Source: Finzi et al., ICLR 2023, section 4.3; Ash & Adams, "On warm-starting neural network
    training", NeurIPS 2020, for `keep`.
    """

    stages: tuple[AbstractFitStage, ...] | None
    keep: float
    tolerance: float | None

    def __init__(
        self,
        *,
        stages: tuple[AbstractFitStage, ...] | None = None,
        keep: float = 0.0,
        tolerance: float | None = None,
    ):
        if stages is not None and not (
            isinstance(stages, tuple)
            and stages
            and all(isinstance(stage, AbstractFitStage) for stage in stages)
        ):
            raise InputError(f"`stages` must be a tuple of one or more fit stages, got {stages!r}")
        check_positive("keep", keep, zero=True)
        if not keep < 1:
            raise InputError(f"`keep` must lie in [0, 1), got {keep!r}")
        if tolerance is not None:
            check_positive("tolerance", tolerance)
        self.stages, self.keep, self.tolerance = stages, keep, tolerance

    def begin(self, network: AbstractNetwork, key: PRNGKeyArray) -> AbstractNetwork:
        """The weights that the fit starts from."""
        fresh = network.reinitialised(key)
        if self.keep == 0:
            return fresh
        (old, rebuild), (new, _) = flatten(network), flatten(fresh)
        return rebuild(self.keep * old + (1 - self.keep) * new)
