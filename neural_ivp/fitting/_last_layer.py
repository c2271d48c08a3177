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
    r"""min over the head w of mean $|A w - u_0|^2 + \mu |w|^2$: exact linear least squares.

    A is the derivative of the values in the head, in which they are linear; QR of A stacked on
    sqrt(mu) I solves it. The result is kept only if the held-out error is not larger than
    before.

    **Arguments:**

    - `num_points`: of the regression.
    - `damping`: mu relative to the mean squared norm of the rows of A.

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

    def columns(x):
        slope = jax.jacrev(lambda head: with_head(network, head)(x))(network.head)
        return slope.reshape(slope.shape[0], -1)

    root = jnp.sqrt(sample.weights)[:, None]
    rows = root[:, :, None] * jax.vmap(columns)(sample.points)
    rows = rows.reshape(-1, network.head.size)
    wanted = jnp.ravel(root * jax.vmap(target)(sample.points).astype(dtype))
    ridge = jnp.sqrt(stage.damping * jnp.sum(rows**2))
    matrix = jnp.concatenate([rows, ridge * jnp.eye(network.head.size, dtype=dtype)])
    right = jnp.concatenate([wanted, jnp.zeros(network.head.size, dtype)])
    head = lx.linear_solve(lx.MatrixLinearOperator(matrix), right, lx.QR(), throw=False).value
    return head.reshape(network.head.shape)
