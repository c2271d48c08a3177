"""Run the stages of a fit and measure the outcome on held-out points."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from .._errors import InputError
from .._types import Field
from ..domains import AbstractDomain
from ..networks import AbstractNetwork
from ._adam import Adam
from ._base import AbstractFitStage, FitProgress, Fitted, relative_l2

HELD_OUT_POINTS = 20_000


def fit(
    network: AbstractNetwork,
    target: Field,
    domain: AbstractDomain,
    stages: Sequence[AbstractFitStage],
    *,
    key: PRNGKeyArray,
    report: Callable[[FitProgress], None] = lambda progress: None,
) -> Fitted:
    """Fit `network` to `target` over `domain` by the stages in turn.

    **Arguments:**

    - `target`: a function of one point, or another network (as restarts do).
    - `stages`: e.g. `(Adam(), LastLayer())`.
    - `key`: of all random choices.
    - `report`: called with a `FitProgress` between chunks of work.

    **Raises:** `InputError` if the target is not finite at some held-out point, naming it.
    """
    # The held-out points follow from the domain alone, and no stage ever trains on them.
    points = jnp.asarray(domain.spread(HELD_OUT_POINTS), network.head.dtype)
    _check_finite(target, points)
    history: list[FitProgress] = []

    def note(progress: FitProgress) -> None:
        history.append(progress)
        report(progress)

    def measure(candidate: AbstractNetwork) -> float:
        return float(relative_l2(candidate, target, points))

    for stage, stage_key in zip(stages, jax.random.split(key, len(stages)), strict=True):
        network = stage.run(network, target, domain, stage_key, measure, note)
    steps = sum(stage.steps for stage in stages if isinstance(stage, Adam))
    return Fitted(network, measure(network), steps, tuple(history))


def _check_finite(target: Field, points) -> None:
    values = np.asarray(jax.jit(jax.vmap(target))(points))
    bad = np.flatnonzero(~np.isfinite(values).all(axis=tuple(range(1, values.ndim))))
    if bad.size:
        where = np.asarray(points[int(bad[0])]).tolist()
        raise InputError(
            f"the initial value is not finite at {bad.size} of {len(values)} points, first at "
            f"x = {where}: return finite values everywhere in the domain"
        )
