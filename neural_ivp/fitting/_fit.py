"""Run the stages of a fit and measure the outcome on held-out points."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from .._errors import InputError
from .._types import Field
from ..domains import AbstractDomain
from ..networks import AbstractNetwork, flatten
from ..problems import L2, AbstractNorm
from ._base import AbstractFitStage, FitProgress, Fitted, Goal, relative_l2

HELD_OUT_POINTS = 20_000


def fit(
    network: AbstractNetwork,
    target: Field,
    domain: AbstractDomain,
    stages: Sequence[AbstractFitStage],
    *,
    norm: AbstractNorm | None = None,
    key: PRNGKeyArray,
    report: Callable[[FitProgress], None] = lambda progress: None,
) -> Fitted:
    """Fit `network` to `target` over `domain` by the stages in turn.

    **Arguments:**

    - `target`: a function of one point, or another network (as restarts do).
    - `stages`: e.g. `(Adam(), LastLayer())`.
    - `norm`: of the misfit, `L2` with scales of one if not given.
    - `key`: of all random choices.
    - `report`: called with a `FitProgress` between chunks of work.

    **Raises:** `InputError` if the target is not finite at some held-out point, naming it.
    """
    # The held-out points follow from the domain alone, and no stage ever trains on them.
    dtype = flatten(network)[0].dtype
    points = jnp.asarray(domain.spread(HELD_OUT_POINTS), dtype)
    _check_finite(target, points)
    if norm is None:
        norm = L2((1.0,) * jax.eval_shape(network, points[0]).shape[0])
    goal = Goal(target, domain, norm)
    history: list[FitProgress] = []

    def note(progress: FitProgress) -> None:
        history.append(progress)
        report(progress)

    def measure(candidate: AbstractNetwork) -> float:
        return float(relative_l2(candidate, goal, points))

    steps = 0
    for stage, stage_key in zip(stages, jax.random.split(key, len(stages)), strict=True):
        network, taken = stage.run(network, goal, stage_key, measure, note)
        steps += taken
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
