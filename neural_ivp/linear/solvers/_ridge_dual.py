"""Dense velocities through the kernel of the points: exact for any number of parameters."""

import jax.numpy as jnp

from ...types import Theta, Values
from ..linearisation import AbstractLinearisation
from ..numerics import RESULTS, Damping, DampingLike, check_damping, factor_damped, safe_ratio
from ._base import (
    AbstractDirectSolver,
    SolverSetup,
    Velocity,
    in_units_of_the_target,
    make_velocity,
)


class RidgeDual(AbstractDirectSolver):
    r"""$v = J^T \sqrt W (K + \mu I)^{-1} \sqrt W f$ with the kernel $K = \sqrt W J J^T \sqrt W$.

    It is the v of (M + mu I) v = J^T W f, at cost $O((n q)^3)$ and memory (n q)^2 with n points and
    q quantities of the norm (q = c for `L2`). For networks of dense layers K comes from their
    structure without J, and p hardly matters.

    **Arguments:**

    - `damping`: mu relative to the largest eigenvalue of M, or a `Damping`; 1e-10 in float64 and
      1e-6 in float32 if not given.

    **Raises:** `InputError` for a damping that is not positive.

    Source: Woodbury's identity; Jacot, Gabriel & Hongler, "Neural tangent kernel", 2018.

    ```python
    solver = nivp.RidgeDual(damping=1e-8)
    method = nivp.NeuralIVP(sampler=nivp.Uniform(500), velocity_solver=solver)
    ```
    """

    damping: DampingLike

    def __init__(self, *, damping: float | Damping | None = None):
        check_damping(damping)
        self.damping = damping

    @in_units_of_the_target
    def solve(
        self,
        linearisation: AbstractLinearisation,
        target: Values,
        velocity: Theta,
        setup: SolverSetup,
    ) -> Velocity:
        root = jnp.sqrt(linearisation.weights)[:, None]
        scale = jnp.ravel(jnp.broadcast_to(root, target.shape))
        kernel = linearisation.kernel_matrix().scaled(scale)
        matrix, inverse, spectrum = factor_damped(kernel, self.damping_of, setup.state)
        right = scale * jnp.ravel(target)
        z = inverse(right)
        value = linearisation.pull(root * z.reshape(target.shape))
        # The residual of the primal system is J^T sqrt(W) times that of the dual one.
        primal = linearisation.pull(root * (matrix @ z - right).reshape(target.shape))
        size = jnp.linalg.norm(linearisation.force(target))
        residual = safe_ratio(jnp.linalg.norm(primal), size)
        return make_velocity(linearisation, target, value, RESULTS.successful, residual, spectrum)
