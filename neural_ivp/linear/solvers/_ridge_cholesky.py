"""Dense velocities by Cholesky of M + mu I, for small p."""

import jax.numpy as jnp

from ...types import Theta, Values
from ..linearisation import AbstractLinearisation
from ..numerics import (
    RESULTS,
    Damping,
    DampingLike,
    Symmetric,
    check_damping,
    factor_damped,
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
    r"""Cholesky of M + mu I with M = J^T W J: cost $O(n q p^2 + p^3)$, memory n q p.

    The fastest solver for small p; `RidgeDual` is the one for fewer rows n q than parameters.

    **Arguments:**

    - `damping`: mu relative to the largest eigenvalue of M, or a `Damping`; 1e-10 in float64 and
      1e-6 in float32 if not given.

    **Raises:** `InputError` for a damping that is not positive.

    ```python
    solver = nivp.RidgeCholesky(damping=1e-8)
    method = nivp.NeuralIVP(sampler=nivp.Uniform(1_000), velocity_solver=solver)
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
        rows, weighted_target = linearisation.weighted_rows(target)
        right = rows.T @ weighted_target
        m = Symmetric.of(lambda k, end: rows[:, k:end].T @ rows[:, k:], rows.shape[1])
        matrix, inverse, spectrum = factor_damped(m, self.damping_of, setup.state)
        value = inverse(right)
        residual = safe_ratio(jnp.linalg.norm(matrix @ value - right), jnp.linalg.norm(right))
        return make_velocity(linearisation, target, value, RESULTS.successful, residual, spectrum)
