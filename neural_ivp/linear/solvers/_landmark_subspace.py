"""Velocities in the span of the gradients at a few landmarks, chosen once a step."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_factor, cho_solve, solve_triangular
from jaxtyping import Array, Float, PRNGKeyArray

from ...errors import InputError, check_count
from ...types import Theta, Values
from ..linearisation import AbstractLinearisation
from ..numerics import RESULTS, Damping, DampingLike, Spectrum, check_damping, safe_ratio
from ..preconditioners import LandmarkRows, kernel_factor
from ._base import (
    AbstractDampedSolver,
    SolverSetup,
    Velocity,
    in_units_of_the_target,
    make_velocity,
)

# Of the rank over the effective rank, below which directions that count are missing.
MARGIN = 1.2
RANK = 300  # where none is given or chosen


class Subspace(eqx.Module):
    r"""Directions $B = J_L^T T$ of the parameters, orthonormal, and the damping in it.

    - `landmarks`: $J_L$ at the start of the step.
    - `mix`: T.
    - `damping`: mu, absolute.
    - `largest`, `effective_rank`: of M in the span of all landmarks.
    """

    landmarks: LandmarkRows
    mix: Float[Array, "k r"]
    damping: Float[Array, ""]
    largest: Float[Array, ""]
    effective_rank: Float[Array, ""]

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
        return cho_factor(rows.T @ rows + self.damping * identity, lower=True)

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


class LandmarkSubspace(AbstractDampedSolver):
    r"""Solves for a velocity $v = B y$ with $y \in \mathbb{R}^r$, B chosen once a step.

    Randomly pivoted Cholesky of $J J^T$ chooses k rows $J_L$ of J at the start of a step, the
    gradients at its landmarks. B has an orthonormal basis of the r leading directions of M in their
    span. It is kept through the stages of the step; the r x r problem is that of the J of the
    stage. Cost of a stage for networks of dense layers: $O(n q k (r + \sqrt p) + n q r^2)$.

    Directions below the damping have little effect on u, so that the answer is that of all
    parameters if r exceeds the effective rank by a third. A solve with less than a fifth to spare
    counts as short of its tolerance, with `RESULTS.rank_too_small`.

    **Arguments:**

    - `rank`: r. If not given, `solve` measures the effective rank at the start and along the way
      and chooses 1.4 times that, with three points or more for each direction: more if the residual
      on other points is much larger. Other functions take 300.
    - `num_landmarks`: k, at least r, which must be given too; a third more than r if not given.
    - `damping`: mu relative to the largest eigenvalue of M, or a `Damping`; 1e-10 in float64 and
      1e-6 in float32 if not given. Good values: the square of the tolerance of the steps.
    - `block`: landmarks drawn at once.

    **Raises:** `InputError` for a count below one, a rank above `num_landmarks`, or a damping that
    is not positive.

    Source: Chen, Epperly, Tropp & Webber, "Randomly pivoted Cholesky", 2023, for the landmarks;
    Rudi, Camoriano & Rosasco, "Less is more: Nystrom computational regularization", 2015, for least
    squares in their span.

    ```python
    solver = nivp.LandmarkSubspace(120, damping=1e-8)
    method = nivp.NeuralIVP(sampler=nivp.ImportanceSampling(500), velocity_solver=solver)
    ```
    """

    rank: int | None = eqx.field(static=True)
    num_landmarks: int | None = eqx.field(static=True)
    damping: DampingLike
    block: int = eqx.field(static=True)

    def __init__(
        self,
        rank: int | None = None,
        *,
        num_landmarks: int | None = None,
        damping: float | Damping | None = None,
        block: int = 50,
    ):
        check_count("block", block)
        for name, count in (("rank", rank), ("num_landmarks", num_landmarks)):
            if count is not None:
                check_count(name, count)
        if num_landmarks is not None and (rank is None or num_landmarks < rank):
            raise InputError(
                f"`num_landmarks` must be at least the rank, got {num_landmarks} and the rank "
                f"{rank}"
            )
        check_damping(damping)
        self.rank, self.num_landmarks = rank, num_landmarks
        self.damping, self.block = damping, block

    def setup(
        self, linearisation: AbstractLinearisation, velocity: Theta, key: PRNGKeyArray
    ) -> SolverSetup:
        del velocity
        linearisation = jax.lax.stop_gradient(linearisation)
        rank = RANK if self.rank is None else self.rank
        count = math.ceil(4 * rank / 3) if self.num_landmarks is None else self.num_landmarks
        block = min(self.block, math.ceil(count / 4))
        # Whole blocks are drawn.
        count = block * math.ceil(count / block)
        _, entries, scale, _ = kernel_factor(linearisation, count, block, key)
        landmarks = LandmarkRows.of(entries, linearisation)
        scale = scale[entries]
        kernel = scale[:, None] * landmarks.kernel() * scale[None, :]
        identity = jnp.eye(len(kernel), dtype=kernel.dtype)
        noise = 10 * jnp.finfo(kernel.dtype).eps * jnp.trace(kernel)
        noise = jnp.where(noise == 0, jnp.ones_like(noise), noise)  # J = 0
        lower = jnp.linalg.cholesky(kernel + noise * identity)
        mix = scale[:, None] * solve_triangular(lower, identity, lower=True, trans="T")
        rows = linearisation.cross_kernel(landmarks.rows, landmarks.positions) @ mix
        rows = root_weights(linearisation)[:, None] * rows
        values, vectors = jnp.linalg.eigh(rows.T @ rows)
        largest = values[-1]
        damping = self.damping_of(largest)
        rank = min(rank, len(values))
        state = Subspace(
            landmarks=landmarks,
            mix=mix @ vectors[:, len(values) - rank :],
            damping=damping,
            largest=largest,
            effective_rank=jnp.sum(jnp.maximum(values, 0) / (jnp.maximum(values, 0) + damping)),
        )
        return SolverSetup(state, linearisation.kernel_columns_cost(len(values)), 1)

    def is_narrow(self, effective_rank: float) -> bool:
        """Whether an effective rank comes close to the rank."""
        return self.rank is not None and bool(is_narrow(self.rank, effective_rank))

    @in_units_of_the_target
    def solve(
        self,
        linearisation: AbstractLinearisation,
        target: Values,
        velocity: Theta,
        setup: SolverSetup,
    ) -> Velocity:
        del velocity
        return setup.state.solve(linearisation, target)[1]
