"""Velocities in the span of the gradients at a few landmarks, chosen once a step."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float, PRNGKeyArray

from ...errors import InputError, check_count
from ...types import Theta, Values
from ..linearisation import AbstractLinearisation
from ..numerics import Damping, DampingLike, check_damping
from ..preconditioners import LandmarkRows, kernel_factor
from ._base import AbstractDampedSolver, SolverSetup, Velocity, in_units_of_the_target
from ._subspace import gram, is_narrow, leading, root_weights

RANK = 300  # where none is given or chosen


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
      and chooses 1.4 times that, with three points or more for each direction, two where they are
      chosen by leverage scores: more if the residual on other points is much larger. Other
      functions take 300.
    - `num_landmarks`: k, at least r, which must be given too; a third more than r if not given.
    - `damping`: mu relative to the largest eigenvalue of M, or a `Damping`; 1e-10 in float64 and
      1e-6 in float32 if not given. Good values: the square of the tolerance of the steps.
    - `oversampling`: points of the sampler for each point of a step, which are chosen among them by
      leverage scores; 1 takes all. Good values: 1 on a line, 3 in more dimensions.
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
    oversampling: int = eqx.field(static=True)  # pyright: ignore[reportIncompatibleVariableOverride]
    block: int = eqx.field(static=True)

    def __init__(
        self,
        rank: int | None = None,
        *,
        num_landmarks: int | None = None,
        damping: float | Damping | None = None,
        oversampling: int = 1,
        block: int = 50,
    ):
        check_count("block", block)
        check_count("oversampling", oversampling)
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
        self.damping, self.oversampling, self.block = damping, oversampling, block

    def setup(
        self, linearisation: AbstractLinearisation, velocity: Theta, key: PRNGKeyArray
    ) -> SolverSetup:
        del velocity
        linearisation = jax.lax.stop_gradient(linearisation)
        landmarks, mix = self._landmarks(linearisation, key)
        rows = linearisation.cross_kernel(landmarks.rows, landmarks.positions) @ mix
        matrix = gram(root_weights(linearisation)[:, None] * rows)
        whole = self.num_landmarks is not None and self.num_landmarks == self.rank
        rank = None if whole else min(self.rank or RANK, len(matrix))
        state = leading(landmarks, mix, matrix, rank, self.damping_of, jax.random.fold_in(key, 1))
        return SolverSetup(state, linearisation.kernel_columns_cost(len(matrix)), 1)

    def _landmarks(
        self, linearisation: AbstractLinearisation, key: PRNGKeyArray
    ) -> tuple[LandmarkRows, Float[Array, "k k"]]:
        """Landmarks and T, with orthonormal columns of J_L^T T."""
        rank = RANK if self.rank is None else self.rank
        count = math.ceil(4 * rank / 3) if self.num_landmarks is None else self.num_landmarks
        block = min(self.block, math.ceil(count / 4))
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
        return landmarks, mix

    def leverage_scores(
        self, linearisation: AbstractLinearisation, setup: SolverSetup
    ) -> Float[Array, " n"]:
        return setup.state.leverage_scores(linearisation)

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
