"""Iterative velocities through the kernel of the points."""

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jax.scipy.linalg import cho_solve
from jaxtyping import PRNGKeyArray

from ...errors import check_count, check_fraction
from ...types import Theta, Values
from ..linearisation import AbstractLinearisation
from ..numerics import (
    PCG,
    Damping,
    DampingLike,
    Spectrum,
    check_damping,
    power_iteration,
    safe_ratio,
    to_result,
)
from ..preconditioners import kernel_factor
from ._base import (
    AbstractDampedSolver,
    SolverSetup,
    Velocity,
    in_units_of_the_target,
    make_velocity,
)


class RidgeDualCG(AbstractDampedSolver):
    r"""`RidgeDual` by conjugate gradients: $(K + \mu I) z = \sqrt W f$, $v = J^T \sqrt W z$.

    The preconditioner, built for each right-hand side, is F F^T + mu I with F from columns of the
    kernel K that randomly pivoted Cholesky draws: n q rank^2 operations and, for networks of dense
    layers, no product with M; for other networks, and with `chunk_size`, each column takes one.
    Memory n q rank, time linear in n and p.

    **Arguments:**

    - `damping`: mu relative to the largest eigenvalue of M, or a `Damping`; 1e-10 in float64 and
      1e-6 in float32 if not given.
    - `rtol`: relative residual |(K + mu I) z - sqrt(W) f| / |sqrt(W) f| at which to stop. Good
      values: below the projection residual.
    - `max_steps`: the largest number of iterations.
    - `rank`: columns of the kernel, at most n q and rounded down to whole blocks. Good values:
      one to two times the effective rank that the solve reports; fewer take more iterations.
    - `block`: columns drawn at once.

    **Raises:** `InputError` for a value out of range.

    Source: Diaz, Epperly, Frangella, Tropp & Webber, "Robust, randomized preconditioning for
    kernel ridge regression", 2023.

    ```python
    solver = nivp.RidgeDualCG(rank=400)
    method = nivp.NeuralIVP(sampler=nivp.Uniform(5_000), velocity_solver=solver)
    ```
    """

    damping: DampingLike
    rtol: float
    max_steps: int = eqx.field(static=True)
    rank: int = eqx.field(static=True)
    block: int = eqx.field(static=True)

    def __init__(
        self,
        *,
        damping: float | Damping | None = None,
        rtol: float = 1e-6,
        max_steps: int = 200,
        rank: int = 400,
        block: int = 100,
    ):
        check_damping(damping)
        check_fraction("rtol", rtol)
        for name, count in (("max_steps", max_steps), ("rank", rank), ("block", block)):
            check_count(name, count)
        self.damping, self.rtol, self.max_steps = damping, rtol, max_steps
        self.rank, self.block = rank, block

    def setup(
        self, linearisation: AbstractLinearisation, velocity: Theta, key: PRNGKeyArray
    ) -> SolverSetup:
        return SolverSetup(jax.random.fold_in(key, 1))

    @in_units_of_the_target
    def solve(
        self,
        linearisation: AbstractLinearisation,
        target: Values,
        velocity: Theta,
        setup: SolverSetup,
    ) -> Velocity:
        root = jnp.sqrt(linearisation.weights)[:, None]
        inverse, spectrum, rank = self._preconditioner(linearisation, setup.state)
        damping = spectrum.damping
        structure = jax.ShapeDtypeStruct((target.size,), velocity.dtype)
        positive = lx.positive_semidefinite_tag

        def back(z) -> Theta:
            return linearisation.pull(root * z.reshape(target.shape))

        def product(z):
            return jnp.ravel(root * linearisation.push(back(z))) + damping * z

        right = jnp.ravel(root * target)
        solution = lx.linear_solve(
            lx.FunctionLinearOperator(product, structure, positive),
            right,
            PCG(self.rtol, self.max_steps),
            options={"preconditioner": lx.FunctionLinearOperator(inverse, structure, positive)},
            throw=False,
        )
        # The residual of the primal system is J^T sqrt(W) times that of the dual one.
        primal = back(product(solution.value) - right)
        steps = solution.stats["num_steps"]
        return make_velocity(
            linearisation,
            target,
            back(solution.value),
            to_result(solution),
            safe_ratio(jnp.linalg.norm(primal), jnp.linalg.norm(linearisation.force(target))),
            spectrum,
            iterations=steps,
            products=steps
            + linearisation.kernel_columns_cost(rank)
            + 3,  # first and last residuals
            rebuilds=1,
        )

    def _preconditioner(self, linearisation: AbstractLinearisation, key: PRNGKeyArray):
        """The inverse of F F^T + mu I by Woodbury's identity, its spectrum, and the rank of F."""
        factor, pivots, _, _ = kernel_factor(linearisation, self.rank, self.block, key)
        rank = pivots.size
        small = factor.T @ factor
        start = jax.random.rademacher(jax.random.fold_in(key, rank), (rank,), factor.dtype)
        largest = power_iteration(lambda v: small @ v, start, 100)
        damping = self.damping_of(largest)
        inner = jnp.linalg.cholesky(small + damping * jnp.eye(rank, dtype=factor.dtype))

        def inverse(r):
            return r - factor @ cho_solve((inner, True), factor.T @ r)

        outside = cho_solve((inner, True), jnp.eye(rank, dtype=factor.dtype))
        effective = rank - damping * jnp.trace(outside)
        spectrum = Spectrum(damping, largest, effective, (largest + damping) / damping)
        return inverse, spectrum, rank
