"""The last layer by ridge regression, the features held fixed."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, PRNGKeyArray, PyTree

from .._errors import check_count, check_positive
from ..networks import AbstractNetwork
from ..networks._base import with_head
from ..samplers import QuasiUniform
from ._base import AbstractFitStage, FitProgress, Goal


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
        goal: Goal,
        key: PRNGKeyArray,
        measure: Callable[[AbstractNetwork], float],
        report: Callable[[FitProgress], None],
    ) -> tuple[AbstractNetwork, int]:
        before = measure(network)
        improved = with_head(network, _regress(self, network, goal, key))
        after = measure(improved)
        kept = improved if after <= before else network
        report(FitProgress("last layer", 1, 1, min(after, before)))
        return kept, 0


@eqx.filter_jit
def _regress(stage: LastLayer, network, goal: Goal, key) -> PyTree[Array]:
    head, rebuild = ravel_pytree(network.head)
    sampler = QuasiUniform(stage.num_points)
    memory = sampler.init(goal.domain, head.dtype, key)
    sample, _ = sampler.draw(memory, goal.domain, goal.target, key)
    origin = jnp.zeros_like(head)

    def misfit(head, x):
        return goal.misfit(with_head(network, rebuild(head)), x)

    root = jnp.sqrt(sample.weights)[:, None]
    rows = root[:, :, None] * jax.vmap(jax.jacrev(misfit), in_axes=(None, 0))(head, sample.points)
    rows = rows.reshape(-1, head.size)
    wanted = -jnp.ravel(root * jax.vmap(misfit, in_axes=(None, 0))(origin, sample.points))
    ridge = jnp.sqrt(stage.damping * jnp.sum(rows**2))
    matrix = jnp.concatenate([rows, ridge * jnp.eye(head.size, dtype=head.dtype)])
    right = jnp.concatenate([wanted, origin])
    solution = lx.linear_solve(lx.MatrixLinearOperator(matrix), right, lx.QR(), throw=False)
    return rebuild(solution.value)
