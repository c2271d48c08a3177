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
    r"""QR of $\sqrt{W} J$ stacked on $\sqrt\mu I$, or of its transpose if it has fewer rows.

    The normal equations of the other solvers lose singular values of J below the square root of the
    rounding unit, relative to the largest; this solver does not. Use it in float32. Cost
    $O((n q + p) m^2)$ and memory $O((n q + p) m)$ with $m = \min(n q, p)$.

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
        # R^T R = A^T A + mu I, and A = Q R with the upper rows Q of the orthogonal factor.
        wide = rows.shape[0] < rows.shape[1]
        matrix = rows.T if wide else rows
        identity = jnp.eye(matrix.shape[1], dtype=rows.dtype)
        q, r = jnp.linalg.qr(jnp.concatenate([matrix, jnp.sqrt(damping) * identity]))
        q = q[: len(matrix)]
        if wide:
            value = q @ solve_triangular(r, weighted_target, trans=1)
        else:
            value = solve_triangular(r, q.T @ weighted_target)
        # The gradient of the objective, relative to its size at v = 0.
        gradient = rows.T @ (rows @ value - weighted_target) + damping * value
        right = jnp.linalg.norm(rows.T @ weighted_target)
        residual = safe_ratio(jnp.linalg.norm(gradient), right)

        def inverse(b):
            if wide:
                return (b - q @ (q.T @ b)) / damping
            return solve_triangular(r, solve_triangular(r, b, trans=1))

        spectrum = estimated_spectrum(inverse, starts, damping, largest)
        return make_velocity(linearisation, target, value, RESULTS.successful, residual, spectrum)
