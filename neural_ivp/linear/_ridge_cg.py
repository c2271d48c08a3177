"""Matrix-free velocities: conjugate gradients on (M + mu I) v = F."""

import equinox as eqx
import lineax as lx
from jaxtyping import Array, Float, PRNGKeyArray

from .._errors import InputError, check_count, check_positive
from .._types import Theta, Values
from ._base import AbstractVelocitySolver, Velocity, projection_residual, relative_damping
from ._linearisation import AbstractLinearisation
from ._pcg import PCG
from ._preconditioner import AbstractPreconditioner, LowRank, Nystrom


class RidgeCG(AbstractVelocitySolver):
    r"""Preconditioned conjugate gradients; memory and time linear in p.

    **Arguments:**

    - `damping`: mu relative to the largest eigenvalue of M; 1e-10 in float64 and 1e-6 in float32
      if not given.
    - `rtol`: relative residual |(M + mu I) v - F| / |F| at which the iteration stops.
    - `max_steps`: iterations at most.
    - `preconditioner`: `Nystrom(rank)` or `NoPreconditioner()`.
    - `rebuild`: "step" builds the preconditioner at the start of each step and shares it among
      the stages; "solve" builds it for every right-hand side, as in the paper.

    **Raises:** `InputError` for a value out of range.
    """

    damping: float | Float[Array, ""] | None
    rtol: float
    max_steps: int = eqx.field(static=True)
    preconditioner: AbstractPreconditioner
    rebuild: str = eqx.field(static=True)

    def __init__(
        self,
        *,
        damping: float | None = None,
        rtol: float = 1e-6,
        max_steps: int = 200,
        preconditioner: AbstractPreconditioner = Nystrom(150),  # noqa: B008 (immutable)
        rebuild: str = "step",
    ):
        if damping is not None:
            check_positive("damping", damping)
        check_positive("rtol", rtol)
        check_count("max_steps", max_steps)
        if rebuild not in ("step", "solve"):
            raise InputError(f'`rebuild` must be "step" or "solve", got {rebuild!r}')
        self.damping, self.rtol, self.max_steps = damping, rtol, max_steps
        self.preconditioner, self.rebuild = preconditioner, rebuild

    def prepare(
        self, linearisation: AbstractLinearisation, key: PRNGKeyArray
    ) -> tuple[LowRank | PRNGKeyArray, int]:
        if self.rebuild == "solve":
            return key, 0
        return self.preconditioner.build(linearisation, key), self.preconditioner.num_products

    def damped(self, damping: float | Float[Array, ""]) -> "RidgeCG":
        return eqx.tree_at(
            lambda solver: solver.damping, self, damping, is_leaf=lambda x: x is None
        )

    def solve(
        self,
        linearisation: AbstractLinearisation,
        target: Values,
        guess: Theta,
        prepared: LowRank | PRNGKeyArray,
    ) -> Velocity:
        factors, spent = prepared, 1  # one product for the residual of the guess
        if not isinstance(factors, LowRank):
            factors = self.preconditioner.build(linearisation, factors)
            spent += self.preconditioner.num_products
        damping = relative_damping(self.damping, factors.largest.dtype) * factors.largest
        right = linearisation.project(target)
        solution = lx.linear_solve(
            linearisation.operator(damping),
            right,
            PCG(self.rtol, self.max_steps),
            options={"preconditioner": factors.inverse(damping), "y0": guess},
            throw=False,
        )
        return Velocity(
            value=solution.value,
            result=solution.result,
            iterations=solution.stats["num_steps"],
            products=solution.stats["num_steps"] + spent,
            linear_residual=solution.stats["relative_residual"],
            projection_residual=projection_residual(linearisation, solution.value, target),
            damping=damping,
        )
