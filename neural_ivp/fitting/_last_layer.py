"""The last layer by ridge regression, the features held fixed."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Float, PRNGKeyArray

from .._errors import check_count, check_positive
from .._types import Field
from ..domains import AbstractDomain
from ..networks import AbstractNetwork
from ..networks._base import with_head
from ..samplers import QuasiUniform
from ._base import AbstractFitStage, FitProgress


class LastLayer(AbstractFitStage):
    r"""min over the head W of mean $|W \phi(x) - u_0(x)|^2 + \mu |W|^2$, per component.

    Exact, by QR of the features stacked on sqrt(mu) I. The result is kept only if the held-out
    error is not larger than before.

    **Arguments:**

    - `num_points`: of the regression.
    - `damping`: mu relative to the mean squared norm of the features.

    **Raises:** `InputError` for a count below one or a damping that is not positive.
    """

    num_points: int = eqx.field(static=True, default=20_000)
    damping: float = eqx.field(static=True, default=1e-10)

    def __check_init__(self):
        check_count("num_points", self.num_points)
        check_positive("damping", self.damping)

    def run(
        self,
        network: AbstractNetwork,
        target: Field,
        domain: AbstractDomain,
        key: PRNGKeyArray,
        measure: Callable[[AbstractNetwork], float],
        report: Callable[[FitProgress], None],
    ) -> AbstractNetwork:
        before = measure(network)
        improved = with_head(network, _regress(self, network, target, domain, key))
        after = measure(improved)
        kept = improved if after <= before else network
        report(FitProgress("last layer", 1, 1, min(after, before)))
        return kept


@eqx.filter_jit
def _regress(stage: LastLayer, network, target, domain, key) -> Float[Array, "c h"]:
    dtype = network.head.dtype
    sampler = QuasiUniform(stage.num_points)
    sample, _ = sampler.draw(sampler.init(domain, dtype, key), domain, target, key)
    features = jax.vmap(network.features)(sample.points)
    wanted = jax.vmap(target)(sample.points).astype(dtype)
    root = jnp.sqrt(sample.weights)[:, None]

    def solve(features, wanted):
        rows = root * features
        ridge = jnp.sqrt(stage.damping * jnp.sum(rows**2))
        matrix = jnp.concatenate([rows, ridge * jnp.eye(rows.shape[1], dtype=dtype)])
        right = jnp.concatenate([root[:, 0] * wanted, jnp.zeros(rows.shape[1], dtype)])
        return lx.linear_solve(lx.MatrixLinearOperator(matrix), right, lx.QR(), throw=False).value

    return jax.vmap(solve, in_axes=(1, 1))(features, wanted)
