"""The motion of normal densities with a process, by statistical linearisation."""

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float

from ..types import Point, Points, Weights
from ._gaussian_mixture import log_normal


def frame_rates(
    log_weights: Float[Array, " k"],
    means: Float[Array, "k d"],
    factors: Float[Array, "k d d"],
    points: Points,
    weights: Weights,
    drifts: Points,
    diffusions: Float[Array, "m d d"],
) -> tuple[Float[Array, "k d"], Float[Array, "k d d"]]:
    r"""dm/dt and dL/dt of the parts of a mixture, from the drift and D at weighted points; a D that
    is the same at all of them may come alone, shape (1, d, d).

    With the linear regression $b \approx A (x - \bar x) + a$ over the points, weighted by the share
    of a part in the density there, $m' = a + A (m - \bar x)$ and $C' = A C + C A^T + 2 \bar D$,
    $C = L L^T$. A normal density moves exactly so if the drift is linear.

    Source: Roberts & Spanos, "Random vibration and statistical linearization", 1990.
    """
    each = jax.vmap(lambda x: _shares(log_weights, means, factors, x))(points)
    shares = (weights[:, None] * each).T
    shares = shares / jnp.sum(shares, axis=1, keepdims=True)

    def rates(share, mean, factor):
        centre, average = share @ points, share @ drifts
        # Whitened by L, where the covariance of the points is well conditioned.
        z = solve_triangular(factor, (points - centre[None]).T, lower=True).T
        weighted = share[:, None] * z
        slope = jnp.linalg.solve(weighted.T @ z, weighted.T @ drifts)
        A = solve_triangular(factor, slope, lower=True, trans=1).T
        moved = A @ factor @ factor.T
        constant = len(diffusions) == 1
        D = diffusions[0] if constant else jnp.tensordot(share, diffusions, 1)
        change = moved + moved.T + 2 * D
        half = solve_triangular(factor, change, lower=True)
        half = solve_triangular(factor, half.T, lower=True)
        # L' = L Phi(L^-1 C' L^-T), Phi the lower triangle with half of the diagonal.
        lower = jnp.tril(half, -1) + jnp.diag(jnp.diagonal(half)) / 2
        return average + A @ (mean - centre), factor @ lower

    return jax.vmap(rates)(shares, means, factors)


def _shares(log_weights, means, factors, x: Point) -> Float[Array, " k"]:
    """The shares of the parts of a mixture in its density at x."""
    return jax.nn.softmax(
        jax.vmap(lambda mean, factor: log_normal(mean, factor, x))(means, factors) + log_weights
    )
