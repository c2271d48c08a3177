"""Dense velocities: Cholesky of M + mu I. The fastest way for small p."""

import jax.numpy as jnp

from ...types import Theta, Values
from ..linearisation import AbstractLinearisation
from ..numerics import (
    RESULTS,
    Damping,
    DampingLike,
    Symmetric,
    check_damping,
    factor,
    safe_ratio,
)
from ._base import (
    AbstractDirectSolver,
    SolverSetup,
    Velocity,
    in_units_of_the_target,
    make_velocity,
)


class RidgeCholesky(AbstractDirectSolver):
    r"""Forms M = J^T W J and factors M + mu I: cost $O(n p^2 + p^3)$, memory n c p.

    **Arguments:**

    - `damping`: mu relative to the largest eigenvalue of M; 1e-10 in float64 and 1e-6 in float32
      if not given; `Damping(mu, relative=False)` for mu itself.

    **Raises:** `InputError` for a damping that is not positive.
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
        rows, weighted_target = linearisation.weighted_rows(target)
        right = rows.T @ weighted_target
        m = Symmetric.of(lambda k, end: rows[:, k:end].T @ rows[:, k:], rows.shape[1])
        matrix, inverse, spectrum = factor(m, self.damping_of, setup.state)
        value = inverse(right)
        residual = safe_ratio(jnp.linalg.norm(matrix @ value - right), jnp.linalg.norm(right))
        return make_velocity(linearisation, target, value, RESULTS.successful, residual, spectrum)
