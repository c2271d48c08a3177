"""Dense velocities by QR of J, whose condition number is not squared."""

import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular

from ...types import Theta, Values
from ..linearisation import AbstractLinearisation
from ..numerics import (
    RESULTS,
    Damping,
    DampingLike,
    check_damping,
    estimated_spectrum,
    power_iteration,
    random_signs,
    safe_ratio,
)
from ._base import (
    AbstractDirectSolver,
    SolverSetup,
    Velocity,
    in_units_of_the_target,
    make_velocity,
)


class LeastSquares(AbstractDirectSolver):
    r"""QR of $\sqrt{W} J$ stacked on $\sqrt\mu I$: cost $O((n q + p) p^2)$, memory n q p.

    The normal equations of the other solvers lose singular values of J below the square root of the
    rounding unit, relative to the largest; this solver does not. Use it in float32.

    **Arguments:**

    - `damping`: mu relative to the largest eigenvalue of M = J^T W J, or a `Damping`.

    **Raises:** `InputError` for a damping that is not positive.

    ```python
    solver = nivp.LeastSquares(damping=1e-11)
    method = nivp.NeuralIVP(sampler=nivp.Uniform(1_000), velocity_solver=solver)
    ```
    """

    damping: DampingLike

    def __init__(self, *, damping: float | Damping = 1e-11):
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
        rows, weighted_target = linearisation.weighted_rows(target)
        starts = random_signs(setup.state, velocity.size, velocity.dtype)
        largest = power_iteration(lambda v: rows.T @ (rows @ v), starts[0])
        damping = self.damping_of(largest)
        identity = jnp.eye(rows.shape[1], dtype=rows.dtype)
        matrix = jnp.concatenate([rows, jnp.sqrt(damping) * identity])
        right = jnp.concatenate([weighted_target, jnp.zeros_like(velocity)])
        q, r = jnp.linalg.qr(matrix)
        value = solve_triangular(r, q.T @ right)
        # The gradient of the objective, relative to its size at v = 0.
        gradient = jnp.linalg.norm(matrix.T @ (matrix @ value - right))
        residual = safe_ratio(gradient, jnp.linalg.norm(matrix.T @ right))

        def inverse(b):
            return solve_triangular(r, solve_triangular(r, b, trans=1))

        spectrum = estimated_spectrum(inverse, starts, damping, largest)
        return make_velocity(linearisation, target, value, RESULTS.successful, residual, spectrum)
