"""Dense velocities: Cholesky of M + mu I. The fastest way for small p."""

import jax.numpy as jnp

from .._types import Theta, Values
from ._base import Prepared
from ._damping import AbsoluteDamping, Damping, check_damping
from ._direct import AbstractDirect, factor
from ._linearisation import AbstractLinearisation
from ._results import RESULTS
from ._symmetric import Symmetric
from ._velocity import Velocity, finish, in_units_of_the_target, ratio


class RidgeCholesky(AbstractDirect):
    r"""Forms M = J^T W J and factors M + mu I: cost $O(n p^2 + p^3)$, memory n c p.

    **Arguments:**

    - `damping`: mu relative to the largest eigenvalue of M; 1e-10 in float64 and 1e-6 in float32
      if not given; `AbsoluteDamping(mu)` for mu itself.

    **Raises:** `InputError` for a damping that is not positive.
    """

    damping: Damping

    def __init__(self, *, damping: float | AbsoluteDamping | None = None):
        check_damping(damping)
        self.damping = damping

    @in_units_of_the_target
    def solve(
        self, linearisation: AbstractLinearisation, target: Values, guess: Theta, prepared: Prepared
    ) -> Velocity:
        rows, wanted = linearisation.weighted_rows(target)
        right = rows.T @ wanted
        m = Symmetric.of(lambda k, end: rows[:, k:end].T @ rows[:, k:], rows.shape[1])
        matrix, inverse, spectrum = factor(m, self.damping, prepared.content)
        value = inverse(right)
        residual = ratio(jnp.linalg.norm(matrix @ value - right), jnp.linalg.norm(right))
        return finish(linearisation, target, value, RESULTS.successful, residual, spectrum)
