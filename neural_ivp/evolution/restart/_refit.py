"""How to refit: initial weights, stages and the tolerance."""

import equinox as eqx
from jaxtyping import PRNGKeyArray

from ...errors import InputError, check_positive
from ...fitting import AbstractFitStage
from ...networks import AbstractNetwork, flatten


class Refit(eqx.Module):
    """How a restart refits: new weights are fitted to the current u.

    A refit whose error on the validation set exceeds the tolerance is refused: the march continues
    with the old weights and a new first step size.

    **Arguments:**

    - `stages`: of the fit; those of the initial fit if not given.
    - `keep`: the fit starts from `keep` times the current weights plus 1 - `keep` times newly drawn
      ones, in [0, 1). 0 is the restart of the paper; near 1 the fit is shorter and the
      conditioning changes less.
    - `tolerance`: largest relative L2 error of a refit; `rtol` of the steps if not given, or, where
      that is 0, any finite error.

    **Raises:** `InputError` for `keep` outside [0, 1), or a tolerance that is not positive.

    Source: Finzi et al., ICLR 2023, section 4.3; Ash & Adams, "On warm-starting neural network
    training", NeurIPS 2020, for `keep`.

    ```python
    refit = nivp.Refit(stages=(nivp.GaussNewton(steps=100),), tolerance=1e-3)
    ```
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

    def initial_network(self, network: AbstractNetwork, key: PRNGKeyArray) -> AbstractNetwork:
        """The network that the fit starts from."""
        reinitialised = network.reinitialised(key)
        if self.keep == 0:
            return reinitialised
        (old, rebuild), (new, _) = flatten(network), flatten(reinitialised)
        return rebuild(self.keep * old + (1 - self.keep) * new)
