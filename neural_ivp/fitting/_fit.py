"""`fit`: the stages of a fit, measured on held-out points."""

import warnings
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from ..calculus import L2, AbstractInnerProduct
from ..data import ScatteredData
from ..domains import AbstractDomain
from ..errors import FitWarning, check_key, check_kind, check_shape
from ..networks import AbstractNetwork, flatten
from ..samplers import AbstractSampler
from ..trials import AbstractTrial, Direct, UnknownNorm
from ..types import Field, Time
from ._base import AbstractFitStage, FitProgress, FitResult, StageResult
from ._check import check_arguments
from ._objective import FunctionObjective
from ._trivial import constant_fit
from ._validation import of_function, of_samples

# In more dimensions, low-discrepancy points may all miss a narrow target.
COVERED_DIMENSIONS = 3
ADVICE = "give `held_out=SequentialMonteCarlo(...)`, whose points move to a narrow target"


def fit(
    network: AbstractNetwork,
    target: Field | ScatteredData,
    domain: AbstractDomain,
    stages: Sequence[AbstractFitStage],
    *,
    trial: AbstractTrial | None = None,
    t: Time = 0.0,
    norm: AbstractInnerProduct | None = None,
    held_out: AbstractSampler | None = None,
    key: PRNGKeyArray,
    progress: Callable[[FitProgress], None] = lambda step: None,
) -> FitResult:
    """Fit `network` to `target` over `domain` by the stages, one after another.

    If the target is constant at the held-out points and a bias alone reproduces it, no stage runs.
    A `FitWarning` says so in more than three dimensions if `held_out` is not given, since a narrow
    target may be zero at all held-out points.

    **Arguments:**

    - `network`: the network to start from.
    - `target`: a function of one point (d,) with values (c,), another network, `GriddedData`, or
      `ScatteredData`, of whose samples a tenth is held out.
    - `domain`: where to fit.
    - `stages`: a sequence of fit stages. Good values: `(GaussNewton(),)`;
      `(Adam(), LastLayer(), GaussNewton())`.
    - `trial`: what u is, given the network, such as `trial_for(problem, network)`; the network
      itself if not given.
    - `t`: the time of the target in the trial function.
    - `norm`: that of the misfit, `L2` with scales of one if not given; `H1` fits slopes as well.
    - `held_out`: the sampler of the points that the fit is measured on, by their weighted mean;
      20 000 low-discrepancy points if not given. Good values: `SequentialMonteCarlo` for a target
      that is concentrated in a small part of a domain of many dimensions.
    - `key`: that of all random choices.
    - `progress`: called with a `FitProgress` after each report of a stage.

    **Returns:** a `FitResult`: the network, its held-out errors and a history.

    **Raises:** `InputError` for arguments of the wrong kind, a network or target of another domain,
    or a target that is not finite at a held-out point, not of the shape of the network's value, not
    real, or not written for JAX.

    ```python
    target = lambda x: jnp.sin(2 * jnp.pi * x)
    stages = (nivp.LastLayer(num_points=100),)
    result = nivp.fit(network, target, problem.domain, stages, key=jax.random.key(0))
    ```
    """
    check_arguments(network, target, domain, stages, norm)
    theta, _ = flatten(network)
    shape = jax.eval_shape(network, jnp.zeros(domain.dimension, theta.dtype)).shape
    norm = L2((1.0,) * shape[0]) if norm is None else norm
    check_shape("`norm.scales`", norm.scales.shape, shape, "one typical size per component")
    check_key(key)
    trial = Direct() if trial is None else trial
    check_kind("trial", trial, AbstractTrial)
    inner = UnknownNorm(norm, trial)  # pyright: ignore[reportCallIssue]
    time = jnp.asarray(t, theta.dtype)
    split_key, draw_key, *keys = jax.random.split(key, 2 + len(stages))
    if isinstance(target, ScatteredData):
        objective, validation = of_samples(
            target, domain, inner, time, shape, theta.dtype, split_key
        )
    else:
        objective = FunctionObjective(target=target, domain=domain, norm=inner, t=time)
        validation = of_function(objective, shape, held_out, theta.dtype, draw_key)
    history: list[FitProgress] = []

    def record(step: FitProgress) -> None:
        history.append(step)
        progress(step)

    def measure(candidate: AbstractNetwork) -> float:
        return validation.errors(candidate)[0]

    results: list[StageResult] = []
    # A tenth of the samples may be too few to show that they vary.
    varies = isinstance(target, ScatteredData) and bool(np.any(np.ptp(target.values, axis=0)))
    parts = network, validation.objective, validation.batch, measure
    constant = None if varies else constant_fit(*parts)
    if stages and constant is not None:
        network = constant
        record(FitProgress("constant", 1, 1, measure(network)))
        count = len(validation.points)
        ending = f"the target is the same at all {count} held-out points: no other stage is needed"
        results.append(StageResult("constant", 0, measure(network), ending))
        stages = ()
        if held_out is None and domain.dimension > COVERED_DIMENSIONS:
            message = f"{ending}, unless it lives where none of them lies: {ADVICE}"
            warnings.warn(message, FitWarning, stacklevel=2)
    for stage, stage_key in zip(stages, keys, strict=False):
        network, result = stage.run(network, objective, stage_key, measure, record)
        results.append(result)
    steps = sum(result.steps for result in results)
    errors = validation.errors(network)
    return FitResult(network, *errors, steps, tuple(results), tuple(history), trial, float(time))
