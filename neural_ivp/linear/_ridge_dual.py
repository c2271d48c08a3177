"""Dense velocities through the kernel of the points: exact for any number of parameters."""

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


class RidgeDual(AbstractVelocitySolver):
    r"""$v = J^T \sqrt W (K + \mu I)^{-1} \sqrt W f$ with the kernel $K = \sqrt W J J^T \sqrt W$.

    The same v as that of (M + mu I) v = J^T W f, at a cost of $O((n q)^3)$ and memory (n q)^2
    with n points and q quantities of the norm (q = c for `L2`). For networks of dense layers K
    comes from their structure without J, and p hardly matters.

    **Arguments:**

    - `damping`: mu relative to the largest eigenvalue of K, which is that of M; 1e-10 in float64
      and 1e-6 in float32 if not given.

    **Raises:** `InputError` for a damping that is not positive.

    Source: Woodbury's identity; Jacot, Gabriel & Hongler, "Neural tangent kernel", 2018.
    """

    damping: float | Float[Array, ""] | None

    def __init__(self, *, damping: float | None = None):
        if damping is not None:
            check_positive("damping", damping)
        self.damping = damping

    def prepare(self, linearisation: AbstractLinearisation, key: PRNGKeyArray) -> tuple[Array, int]:
        """A random start for the power iteration."""
        values = linearisation.values
        return jax.random.normal(key, (values.size,), values.dtype), 0

    def damped(self, damping: float | Float[Array, ""]) -> "RidgeDual":
        return eqx.tree_at(lambda s: s.damping, self, damping, is_leaf=lambda x: x is None)

    def solve(
        self, linearisation: AbstractLinearisation, target: Values, guess: Theta, prepared: Array
    ) -> Velocity:
        root = jnp.sqrt(linearisation.weights)[:, None]
        scale = jnp.ravel(jnp.broadcast_to(root, target.shape))
        kernel = scale[:, None] * linearisation.kernel() * scale[None, :]
        relative = relative_damping(self.damping, kernel.dtype)
        damping = relative * power_iteration(lambda z: kernel @ z, prepared)
        matrix = kernel + damping * jnp.eye(kernel.shape[0], dtype=kernel.dtype)
        operator = lx.MatrixLinearOperator(matrix, lx.positive_semidefinite_tag)
        right = scale * jnp.ravel(target)
        solution = lx.linear_solve(operator, right, lx.Cholesky(), throw=False)
        v = linearisation.pull(root * solution.value.reshape(target.shape))
        # The residual of the primal system, J^T sqrt(W) times that of the dual one.
        primal = linearisation.pull(root * (matrix @ solution.value - right).reshape(target.shape))
        size = jnp.linalg.norm(linearisation.project(target))
        residual = jnp.linalg.norm(primal)
        zero = jnp.zeros((), jnp.int32)
        return Velocity(
            value=v,
            result=solution.result,
            iterations=zero,
            products=zero,
            linear_residual=jnp.where(size > 0, residual / jnp.where(size > 0, size, 1), residual),
            projection_residual=projection_residual(linearisation, v, target),
            damping=damping,
        )
