"""A subspace of the parameters in which velocities are sought, and the points that decide there."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_factor, cho_solve, solve_triangular
from jaxtyping import Array, Float, PRNGKeyArray

from ...samplers import systematic
from ...types import Theta, Values, WeightedPoints
from ..linearisation import AbstractLinearisation
from ..numerics import RESULTS, Spectrum, power_iteration, safe_ratio
from ..preconditioners import LandmarkRows
from ._base import Velocity, make_velocity

# Of the rank over the effective rank, below which directions that count are missing.
MARGIN = 1.2
# Random directions, in which leverage scores are estimated to a fifth.
SKETCH = 48
# The share of points chosen by score; the others bound the weights.
SHARE = 0.7


class Subspace(eqx.Module):
    r"""Directions $B = J_L^T T$ of the parameters, orthonormal, and the damping in it.

    - `landmarks`: $J_L$ at the start of the step.
    - `mix`: T.
    - `damping`: mu, absolute.
    - `largest`, `effective_rank`: of M in the span of all landmarks.
    - `sketch`: the product of T of all landmarks, $(A^T A + \mu I)^{-1/2}$ and random signs.
    """

    landmarks: LandmarkRows
    mix: Float[Array, "k r"]
    damping: Float[Array, ""]
    largest: Float[Array, ""]
    effective_rank: Float[Array, ""]
    sketch: Float[Array, "k s"]

    def expand(self, y: Float[Array, " r"]) -> Theta:
        """B y."""
        return self.landmarks.pull(self.mix @ y)

    def rows(self, linearisation: AbstractLinearisation) -> Float[Array, "m r"]:
        r"""$A = \sqrt W J B$ for another J."""
        landmarks = self.landmarks
        kernel = linearisation.cross_kernel(landmarks.rows, landmarks.positions)
        return root_weights(linearisation)[:, None] * (kernel @ self.mix)

    def factor(self, rows: Float[Array, "m r"]) -> tuple[Array, bool]:
        """The Cholesky factor of A^T A + mu I."""
        identity = jnp.eye(rows.shape[1], dtype=rows.dtype)
        return cho_factor(gram(rows) + self.damping * identity, lower=True)

    def leverage_scores(self, linearisation: AbstractLinearisation) -> Float[Array, " n"]:
        r"""Estimates of $a^T (A^T A + \mu I)^{-1} a$, summed over the rows a of each point.

        Source: Spielman & Srivastava, "Graph sparsification by effective resistances", 2011.
        """
        landmarks, n = self.landmarks, len(linearisation.weights)
        kernel = linearisation.cross_kernel(landmarks.rows, landmarks.positions)
        squares = jnp.mean((kernel @ self.sketch) ** 2, axis=1)
        return linearisation.weights * jnp.sum(squares.reshape(n, -1), axis=1)

    def solve(
        self, linearisation: AbstractLinearisation, target: Values
    ) -> tuple[Float[Array, " r"], Velocity]:
        """y of the least squares of A y = sqrt(W) f with the damping, and B y as a `Velocity`."""
        rows = self.rows(linearisation)
        right = rows.T @ (root_weights(linearisation) * jnp.ravel(target))
        y = cho_solve(self.factor(rows), right)
        rest = right - rows.T @ (rows @ y) - self.damping * y
        condition = (self.largest + self.damping) / self.damping
        spectrum = Spectrum(self.damping, self.largest, self.effective_rank, condition)
        residual = safe_ratio(jnp.linalg.norm(rest), jnp.linalg.norm(right))
        whole = y.size >= min(linearisation.num_parameters, rows.shape[0])
        narrow = is_narrow(y.size, self.effective_rank) & (not whole)
        result = RESULTS.where(narrow, RESULTS.rank_too_small, RESULTS.successful)
        return y, make_velocity(linearisation, target, self.expand(y), result, residual, spectrum)


def is_narrow(rank: int, effective_rank):
    """Whether an effective rank, a number or traced, comes close to a rank."""
    return MARGIN * effective_rank > rank


def root_weights(linearisation: AbstractLinearisation) -> Float[Array, " m"]:
    """The square root of the weight of each row of J."""
    return jnp.repeat(jnp.sqrt(linearisation.weights), linearisation.values.shape[1])


def leading(
    landmarks: LandmarkRows,
    mix: Float[Array, "k k"],
    matrix: Float[Array, "k k"],
    rank: int | None,
    damping_of: Callable[[Float[Array, ""]], Float[Array, ""]],
    key: PRNGKeyArray,
) -> Subspace:
    """The subspace of the leading directions of `matrix`, A^T A in the span of all landmarks, which
    has the orthonormal basis J_L^T `mix`, or of all without a rank; `damping_of` is mu for the
    largest eigenvalue."""
    signs = jax.random.rademacher(key, (len(matrix), SKETCH), matrix.dtype)
    if rank is not None:
        values, vectors = jnp.linalg.eigh(matrix)
        values = jnp.maximum(values, 0)
        largest = values[-1]
        damping = damping_of(largest)
        effective_rank = jnp.sum(values / (values + damping))
        sketch = mix @ (vectors @ (signs / jnp.sqrt(values + damping)[:, None]))
        mix = mix @ vectors[:, len(values) - rank :]
    else:
        largest = power_iteration(lambda v: matrix @ v, jnp.ones_like(matrix[0]), 30)
        damping = damping_of(largest)
        identity = jnp.eye(len(matrix), dtype=matrix.dtype)
        lower = jnp.linalg.cholesky(matrix + damping * identity)
        inverse = solve_triangular(lower, identity, lower=True)
        effective_rank = len(matrix) - damping * jnp.sum(inverse**2)
        sketch = mix @ (inverse.T @ signs)
    return Subspace(
        landmarks=landmarks,
        mix=mix,
        damping=damping,
        largest=largest,
        effective_rank=effective_rank,
        sketch=sketch,
    )


def gram(rows: Float[Array, "m r"]) -> Float[Array, "r r"]:
    """A^T A. The copy pays: on CPUs XLA takes twice as long for it as for A A^T."""
    columns = jnp.copy(jax.lax.optimization_barrier(rows).T)
    columns = jax.lax.optimization_barrier(columns)
    return columns @ columns.T


def thinned(
    sample: WeightedPoints, scores: Float[Array, " n"], count: int, key: PRNGKeyArray
) -> WeightedPoints:
    """`count` of the points, a share of them by score and the rest evenly, with the weights that
    keep means unbiased.

    Points that decide the least squares are kept, so that fewer suffice: their residual is that on
    other points.

    Source: Cohen & Migliorati, "Optimal weighted least-squares methods", 2017.
    """
    total = jnp.sum(scores)
    shares = jnp.where(total > 0, scores / jnp.where(total > 0, total, 1), 1 / scores.size)
    density = SHARE * shares + (1 - SHARE) / scores.size
    chosen = systematic(density, count, key)
    weights = sample.weights[chosen] / density[chosen]
    return WeightedPoints(sample.points[chosen], weights / jnp.sum(weights))
