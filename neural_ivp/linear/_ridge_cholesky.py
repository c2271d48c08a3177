"""Dense velocities: Cholesky of M + mu I. The oracle, and the fastest way for small p."""

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Float, PRNGKeyArray

from .._errors import check_positive
from .._types import Theta, Values
from ._base import AbstractVelocitySolver, Velocity, projection_residual, relative_damping
from ._linearisation import AbstractLinearisation
from ._linearise import power_iteration


class RidgeCholesky(AbstractVelocitySolver):
    r"""Forms M = J^T W J and factors M + mu I: cost $O(n p^2 + p^3)$, memory n c p.

    **Arguments:**

    - `damping`: mu relative to the largest eigenvalue of M; 1e-10 in float64 and 1e-6 in float32
      if not given.

    **Raises:** `InputError` for a damping that is not positive.
    """

    damping: float | Float[Array, ""] | None

    def __init__(self, *, damping: float | None = None):
        if damping is not None:
            check_positive("damping", damping)
        self.damping = damping

    def prepare(self, linearisation: AbstractLinearisation, key: PRNGKeyArray) -> tuple[Array, int]:
        """A random start for the power iteration."""
        zeros = linearisation.zeros
        return jax.random.normal(key, zeros.shape, zeros.dtype), 0

    def damped(self, damping: float | Float[Array, ""]) -> "RidgeCholesky":
        return eqx.tree_at(
            lambda solver: solver.damping, self, damping, is_leaf=lambda x: x is None
        )

    def solve(
        self, linearisation: AbstractLinearisation, target: Values, guess: Theta, prepared: Array
    ) -> Velocity:
        rows, wanted = linearisation.weighted_rows(target)
        gram = rows.T @ rows
        right = rows.T @ wanted
        relative = relative_damping(self.damping, gram.dtype)
        damping = relative * power_iteration(lambda v: gram @ v, prepared)
        matrix = gram + damping * jnp.eye(gram.shape[0], dtype=gram.dtype)
        operator = lx.MatrixLinearOperator(matrix, lx.positive_semidefinite_tag)
        solution = lx.linear_solve(operator, right, lx.Cholesky(), throw=False)
        residual = jnp.linalg.norm(matrix @ solution.value - right)
        size = jnp.linalg.norm(right)
        zero = jnp.zeros((), jnp.int32)
        return Velocity(
            value=solution.value,
            result=solution.result,
            iterations=zero,
            products=zero,
            linear_residual=jnp.where(size > 0, residual / size, residual),
            projection_residual=projection_residual(linearisation, solution.value, target),
            damping=damping,
        )
