"""Dense velocities by QR of J itself, whose condition number is not squared."""

import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular

from .._types import Theta, Values
from ._base import Prepared
from ._damping import AbsoluteDamping, Damping, absolute, check_damping
from ._direct import AbstractDirect, probes, spectrum
from ._linearisation import AbstractLinearisation
from ._linearise import power_iteration
from ._results import RESULTS
from ._velocity import Velocity, finish, in_units_of_the_target, ratio


class LeastSquares(AbstractDirect):
    r"""QR of $\sqrt{W} J$ stacked on $\sqrt\mu I$: cost $O((n c + p) p^2)$, memory n c p.

    The normal equations see the squares of J's singular values and lose those below the square
    root of the rounding unit; this solver does not, which in float32 is the difference between
    a cut-off at 1e-3 of the largest and one at 1e-6.

    **Arguments:**

    - `damping`: mu relative to the largest eigenvalue of M = J^T W J; `AbsoluteDamping(mu)` for
      mu itself.

    **Raises:** `InputError` for a damping that is not positive.
    """

    damping: Damping

    def __init__(self, *, damping: float | AbsoluteDamping = 1e-11):
        check_damping(damping)
        self.damping = damping

    @in_units_of_the_target
    def solve(
        self, linearisation: AbstractLinearisation, target: Values, guess: Theta, prepared: Prepared
    ) -> Velocity:
        rows, wanted = linearisation.weighted_rows(target)
        starts = probes(prepared.content, guess.size, guess.dtype)
        largest = power_iteration(lambda v: rows.T @ (rows @ v), starts[0])
        damping = absolute(self.damping, largest)
        identity = jnp.eye(rows.shape[1], dtype=rows.dtype)
        matrix = jnp.concatenate([rows, jnp.sqrt(damping) * identity])
        right = jnp.concatenate([wanted, jnp.zeros_like(guess)])
        q, r = jnp.linalg.qr(matrix)
        value = solve_triangular(r, q.T @ right)
        # The gradient of the objective, relative to its size at v = 0.
        slope = jnp.linalg.norm(matrix.T @ (matrix @ value - right))
        residual = ratio(slope, jnp.linalg.norm(matrix.T @ right))

        def inverse(b):
            return solve_triangular(r, solve_triangular(r, b, trans=1))

        known = spectrum(inverse, starts, damping, largest)
        return finish(linearisation, target, value, RESULTS.successful, residual, known)
