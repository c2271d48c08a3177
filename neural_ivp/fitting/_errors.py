"""What a fit is worth: errors of the value and of the derivatives that the PDE will take."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..calculus import AbstractInnerProduct
from ..domains import AbstractDomain
from ..networks import AbstractNetwork, flatten
from ..types import Field, Points


@dataclass(frozen=True)
class FitErrors:
    """Errors of a fit on evenly spread points, all components together.

    - `relative_l2`: |u - w| / |w|, w being the target; infinite where w vanishes everywhere.
    - `maximum`: the largest error of a component at a point, absolute.
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
) -> FitErrors:
    """Compare a network with a differentiable target, derivatives up to the second included.

    Components and their derivatives add up in units of the scales of `norm`, one if not given.
    """
    points = jnp.asarray(domain.low_discrepancy_points(num_points), flatten(network)[0].dtype)
    scales = jnp.asarray(1.0 if norm is None else norm.scales, points.dtype)
    misfit, size, largest = _squares(network, target, points, scales)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.sqrt(np.asarray(misfit) / np.asarray(size))
    return FitErrors(float(relative[0]), float(largest), float(relative[1]), float(relative[2]))


@eqx.filter_jit
def _squares(network: AbstractNetwork, target: Field, points: Points, scales):
    """Sums of squares of misfit and target for each order, and the largest misfit."""

    def orders(field):
        def scaled(x):
            return field(x) / scales

        slope = jax.jacfwd(scaled)
        return [jax.vmap(f)(points) for f in (scaled, slope, jax.jacfwd(slope))]

    targets = orders(target)
    misfit = [got - w for got, w in zip(orders(network), targets, strict=True)]
    total = [jnp.stack([jnp.sum(part**2) for part in parts]) for parts in (misfit, targets)]
    return *total, jnp.max(jnp.max(jnp.abs(misfit[0]), axis=0) * scales)
