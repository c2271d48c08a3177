"""Ridge regression of the last layer, with fixed features."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, PRNGKeyArray, PyTree

from ..errors import check_count, check_positive
from ..networks import AbstractNetwork, with_head
from ..precision import compiled
from ..samplers import QuasiMonteCarlo
from ._base import AbstractFitStage, FitProgress, StageResult
from ._objective import AbstractObjective


class LastLayer(AbstractFitStage):
    r"""Linear least squares $\min_w \overline{|A w - u_0|^2} + \mu |w|^2$ for the last layer's w.

    A is the derivative of the values in w; QR of A stacked on sqrt(mu) I solves the problem. The
    result is discarded if it increases the held-out error.

    **Arguments:**

    - `num_points`: points of the regression.
    - `damping`: mu relative to the mean squared norm of the rows of A.

    **Raises:** `InputError` for a count below one or a damping that is not positive.

    ```python
    stages = (nivp.LastLayer(num_points=100),)
    result = nivp.fit(network, problem.initial, problem.domain, stages, key=jax.random.key(0))
    ```
    """

    num_points: int = eqx.field(static=True, default=20_000)
    damping: float = eqx.field(static=True, default=1e-10)

    def __check_init__(self):
        check_count("num_points", self.num_points)
        check_positive("damping", self.damping)

    def run(
        self,
        network: AbstractNetwork,
        objective: AbstractObjective,
        key: PRNGKeyArray,
        measure: Callable[[AbstractNetwork], float],
        progress: Callable[[FitProgress], None],
    ) -> tuple[AbstractNetwork, StageResult]:
        before = measure(network)
        improved = with_head(network, _regress(self, network, objective, key))
        after = measure(improved)
        better = after <= before
        progress(FitProgress("last layer", 1, 1, min(after, before)))
        ending = "kept" if better else f"discarded, since it had {after:.2e}"
        stage = StageResult("last layer", 0, min(after, before), ending)
        return (improved if better else network), stage


@compiled
def _regress(stage: LastLayer, network, objective: AbstractObjective, key) -> PyTree[Array]:
    head, rebuild = ravel_pytree(network.head)
    sampler = QuasiMonteCarlo(stage.num_points)
    sampler_state = objective.init(sampler, head.dtype, key)
    batch, _ = objective.draw(sampler, sampler_state, network, key)
    points, weights = batch.sample.points, batch.sample.weights
    origin = jnp.zeros_like(head)

    def value(head, x):
        return objective.norm(with_head(network, rebuild(head)), x)

    root = jnp.sqrt(weights)[:, None]
    rows = root[:, :, None] * jax.vmap(jax.jacrev(value), in_axes=(None, 0))(head, points)
    rows = rows.reshape(-1, head.size)
    offset = jax.vmap(value, in_axes=(None, 0))(origin, points)
    right_side = jnp.ravel(root * (batch.target - offset))
    ridge = jnp.sqrt(stage.damping * jnp.sum(rows**2))
    matrix = jnp.concatenate([rows, ridge * jnp.eye(head.size, dtype=head.dtype)])
    right = jnp.concatenate([right_side, origin])
    solution = lx.linear_solve(lx.MatrixLinearOperator(matrix), right, lx.QR(), throw=False)
    return rebuild(solution.value)
