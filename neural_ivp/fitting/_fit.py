"""Run the stages of a fit and measure the outcome on held-out points."""

import warnings
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from ..calculus import L2, AbstractInnerProduct
from ..data import ScatteredData
from ..domains import AbstractDomain
from ..errors import FitWarning, check_key, check_shape
from ..networks import AbstractNetwork, flatten
from ..samplers import AbstractSampler
from ..types import Field
from ._base import AbstractFitStage, FitProgress, FitResult, StageResult
from ._check import check_arguments
from ._objective import FunctionObjective
from ._trivial import constant_fit
from ._validation import of_function, of_samples

# Up to so many dimensions do evenly spread points meet what a network of this size could fit.
SEEN = 3
ADVICE = "give `held_out=SequentialMonteCarlo(...)`, which are led to a narrow target step by step"


def fit(
    network: AbstractNetwork,
    target: Field | ScatteredData,
    domain: AbstractDomain,
    stages: Sequence[AbstractFitStage],
    *,
    norm: AbstractInnerProduct | None = None,
    held_out: AbstractSampler | None = None,
    key: PRNGKeyArray,
    progress: Callable[[FitProgress], None] = lambda step: None,
) -> FitResult:
    """Fit `network` to `target` over `domain` by the stages in turn.

    A target that is the same at all held-out points is met by the last layer alone, and no
    stage runs where that is exact.

    **Arguments:**

    - `target`: a function of one point, another network (as restarts do), `GriddedData` data or
      `ScatteredData` samples. A tenth of the samples is held out.
    - `stages`: `(GaussNewton(),)` is what measures best; `(Adam(), LastLayer(), GaussNewton())`
      chains all three.
    - `norm`: of the misfit, `L2` with scales of one if not given; `H1` fits slopes as well.
    - `held_out`: draws the points that the fit is measured on, and with their weights the mean
      that its error is. 20 000 points spread evenly over the domain if not given. In many
      dimensions, where a function lives in a tiny part of its domain, use `SequentialMonteCarlo`.
    - `key`: of all random choices.
    - `progress`: called with a `FitProgress` between chunks of work.

    Warns (`FitWarning`) of a target in more than three dimensions that is the same at all held-out
    points where `held_out` is not given: it may live where none of them lies.

    **Raises:** `InputError` for arguments of the wrong kind, a network or target of another domain,
    a target that is not finite at some held-out point, naming it, or one of another shape than the
    network's value, not real, or not written for JAX.
    """
    check_arguments(network, target, domain, stages, norm)
    theta, _ = flatten(network)
    shape = jax.eval_shape(network, jnp.zeros(domain.dimension, theta.dtype)).shape
    norm = L2((1.0,) * shape[0]) if norm is None else norm
    check_shape("`norm.scales`", norm.scales.shape, shape, "one typical size per component")
    check_key(key)
    split_key, draw_key, *keys = jax.random.split(key, 2 + len(stages))
    if isinstance(target, ScatteredData):
        objective, validation = of_samples(target, domain, norm, shape, theta.dtype, split_key)
    else:
        objective = FunctionObjective(target=target, domain=domain, norm=norm)
        validation = of_function(objective, shape, held_out, theta.dtype, draw_key)
    history: list[FitProgress] = []

    def note(step: FitProgress) -> None:
        history.append(step)
        progress(step)

    def measure(candidate: AbstractNetwork) -> float:
        return validation.errors(candidate)[0]

    done: list[StageResult] = []
    constant = None if _varies(target) else constant_fit(network, validation)
    if stages and constant is not None:
        network = constant
        note(FitProgress("constant", 1, 1, measure(network)))
        count = len(validation.points)
        ending = f"the target is the same at all {count} held-out points: no other stage is needed"
        done.append(StageResult("constant", 0, measure(network), ending))
        stages = ()
        if held_out is None and domain.dimension > SEEN:
            missed = f"{ending}, unless it lives where none of them lies: {ADVICE}"
            warnings.warn(missed, FitWarning, stacklevel=2)
    for stage, stage_key in zip(stages, keys, strict=False):
        network, outcome = stage.run(network, objective, stage_key, measure, note)
        done.append(outcome)
    steps = sum(outcome.steps for outcome in done)
    return FitResult(network, *validation.errors(network), steps, tuple(done), tuple(history))


def _varies(target) -> bool:
    """Whether samples differ: a tenth of them may be too few to tell."""
    return isinstance(target, ScatteredData) and bool(np.any(np.ptp(target.values, axis=0)))
