"""Errors of a fit in the value and in the derivatives that a PDE takes."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from ..calculus import AbstractInnerProduct
from ..domains import AbstractDomain
from ..networks import AbstractNetwork, flatten
from ..precision import compiled
from ..trials import AbstractTrial, Direct
from ..types import Field, Points, Time


@dataclass(frozen=True)
class FitErrors:
    """Errors of a fit over all components.

    - `relative_l2`: |u - w| / |w|, w being the target; infinite where w is zero everywhere.
    - `maximum`: the largest absolute error of a component at a point.
    - `gradient`, `hessian`: relative L2 errors of all first and all second derivatives.
    """

    relative_l2: float
    maximum: float
    gradient: float
    hessian: float

    def __str__(self) -> str:
        return (
            f"relative L2 error {self.relative_l2:.2e}, largest error {self.maximum:.2e}\n"
            f"relative L2 error of first derivatives {self.gradient:.2e}, "
            f"of second ones {self.hessian:.2e}"
        )


def fit_errors(
    network: AbstractNetwork,
    target: Field,
    domain: AbstractDomain,
    num_points: int = 5_000,
    *,
    norm: AbstractInnerProduct | None = None,
    trial: AbstractTrial | None = None,
    t: Time = 0.0,
) -> FitErrors:
    """Return the errors of a fit and its first and second derivatives.

    **Arguments:**

    - `network`: that of the fit.
    - `target`: a differentiable function of one point (d,) with values (c,).
    - `domain`: where to compare.
    - `num_points`: low-discrepancy points.
    - `norm`: its scales divide the components, where they are summed; one if not given.
    - `trial`, `t`: those of the fit, `FitResult.trial` and `t`; u is the network if not given.

    **Returns:** a `FitErrors`.

    ```python
    target = lambda x: jnp.sin(2 * jnp.pi * x)
    print(nivp.fit_errors(network, target, problem.domain, 100))
    ```
    """
    points = jnp.asarray(domain.low_discrepancy_points(num_points), flatten(network)[0].dtype)
    scales = jnp.asarray(1.0 if norm is None else norm.scales, points.dtype)
    trial = Direct() if trial is None else trial
    misfit, size, largest = _squares(trial, network, jnp.asarray(t), target, points, scales)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.sqrt(np.asarray(misfit) / np.asarray(size))
    return FitErrors(float(relative[0]), float(largest), float(relative[1]), float(relative[2]))


@compiled
def _squares(trial: AbstractTrial, network, t, target: Field, points: Points, scales):
    """Return the sums of squares of misfit and target by order, and the largest misfit."""

    def orders(field):
        def scaled(x):
            return field(x) / scales

        slope = jax.jacfwd(scaled)
        return [jax.vmap(f)(points) for f in (scaled, slope, jax.jacfwd(slope))]

    targets = orders(target)
    misfit = [u - w for u, w in zip(orders(trial.field(network, t)), targets, strict=True)]
    total = [jnp.stack([jnp.sum(part**2) for part in parts]) for parts in (misfit, targets)]
    return *total, jnp.max(jnp.max(jnp.abs(misfit[0]), axis=0) * scales)
