"""Dense velocities by QR of J itself, whose condition number is not squared."""

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Float, PRNGKeyArray

from .._errors import check_positive
from .._types import Theta, Values
from ._base import AbstractVelocitySolver, Velocity, projection_residual
from ._linearisation import AbstractLinearisation
from ._linearise import power_iteration


class LeastSquares(AbstractVelocitySolver):
    r"""QR of $\sqrt{W} J$ stacked on $\sqrt\mu I$: cost $O((n c + p) p^2)$, memory n c p.

    The normal equations see the squares of J's singular values and lose those below the square
    root of the rounding unit; this solver does not, which in float32 is the difference between
    a cut-off at 1e-3 of the largest and one at 1e-6.

    **Arguments:**

    - `damping`: mu relative to the largest eigenvalue of M = J^T W J, as for the other solvers.

    **Raises:** `InputError` for a damping that is not positive.
    """

    damping: float | Float[Array, ""]

    def __init__(self, *, damping: float = 1e-11):
        check_positive("damping", damping)
        self.damping = damping

    def prepare(self, linearisation: AbstractLinearisation, key: PRNGKeyArray) -> tuple[Array, int]:
        """A random start for the power iteration."""
        zeros = linearisation.zeros
        return jax.random.normal(key, zeros.shape, zeros.dtype), 0

    def damped(self, damping: float | Float[Array, ""]) -> "LeastSquares":
        return eqx.tree_at(
            lambda solver: solver.damping, self, damping, is_leaf=lambda x: x is None
        )

    def solve(
        self, linearisation: AbstractLinearisation, target: Values, guess: Theta, prepared: Array
    ) -> Velocity:
        rows, wanted = linearisation.weighted_rows(target)
        damping = self.damping * power_iteration(lambda v: rows.T @ (rows @ v), prepared)
        identity = jnp.eye(rows.shape[1], dtype=rows.dtype)
        matrix = jnp.concatenate([rows, jnp.sqrt(damping) * identity])
        right = jnp.concatenate([wanted, jnp.zeros_like(prepared)])
        solution = lx.linear_solve(lx.MatrixLinearOperator(matrix), right, lx.QR(), throw=False)
        v = solution.value
        # The gradient of the objective, relative to its size at v = 0.
        slope = jnp.linalg.norm(matrix.T @ (matrix @ v - right))
        size = jnp.linalg.norm(matrix.T @ right)
        zero = jnp.zeros((), jnp.int32)
        return Velocity(
            value=v,
            result=solution.result,
            iterations=zero,
            products=zero,
            linear_residual=jnp.where(size > 0, slope / size, slope),
            projection_residual=projection_residual(linearisation, v, target),
            damping=damping,
        )
