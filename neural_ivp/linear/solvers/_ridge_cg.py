"""Matrix-free velocities by conjugate gradients on (M + mu I) v = F."""

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import PRNGKeyArray

from ...errors import InputError, check_count, check_fraction, check_kind
from ...types import Theta, Values
from ..linearisation import AbstractLinearisation
from ..numerics import PCG, Damping, DampingLike, Spectrum, check_damping, to_result
from ..preconditioners import AbstractBuiltPreconditioner, AbstractPreconditioner, Nystrom
from ._base import (
    AbstractDampedSolver,
    SolverSetup,
    Velocity,
    in_units_of_the_target,
    make_velocity,
)


class RidgeCG(AbstractDampedSolver):
    r"""Preconditioned conjugate gradients on (M + mu I) v = F, without forming J or M = J^T W J.

    Memory and time are linear in p. A reverse-mode gradient runs the same iteration on the adjoint
    system; lineax raises if that does not reach `rtol`.

    **Arguments:**

    - `damping`: mu relative to the largest eigenvalue of M, or a `Damping`; 1e-10 where the
      products are in float64 and 1e-6 in float32 if not given.
    - `rtol`: where to stop: the relative residual |(M + mu I) v - F| / |F|, and the estimated
      relative error of v in the energy norm, (|J v|^2 + mu |v|^2)^{1/2}. 1e-5 where the products
      are in float64 and 1e-4 in float32 if not given.
    - `max_steps`: the largest number of iterations.
    - `preconditioner`: `Nystrom`, `Landmarks` or `NoPreconditioner`.
    - `rebuild`: "solve" builds the preconditioner for every right-hand side; "step" builds it at
      the start of each step for all stages: use it with `Landmarks` where M changes by more than mu
      in a step, as in advection (`benchmarks/trajectories.py reuse`).
    - `precision`: "same" works in the network's dtype; "mixed" multiplies by J in float32 and
      iterates in float64, which must be enabled in JAX.

    **Raises:** `InputError` for a value out of range, or "mixed" without float64.

    ```python
    solver = nivp.RidgeCG(preconditioner=nivp.Nystrom(200), max_steps=500)
    method = nivp.NeuralIVP(sampler=nivp.Uniform(5_000), velocity_solver=solver)
    ```
    """

    damping: DampingLike
    rtol: float | None
    max_steps: int = eqx.field(static=True)
    preconditioner: AbstractPreconditioner
    rebuild: str = eqx.field(static=True)
    precision: str = eqx.field(static=True)

    def __init__(
        self,
        *,
        damping: float | Damping | None = None,
        rtol: float | None = None,
        max_steps: int = 200,
        preconditioner: AbstractPreconditioner = Nystrom(150),  # noqa: B008 (immutable)
        rebuild: str = "solve",
        precision: str = "same",
    ):
        check_damping(damping)
        if rtol is not None:
            check_fraction("rtol", rtol)
        check_count("max_steps", max_steps)
        check_kind("preconditioner", preconditioner, AbstractPreconditioner)
        if rebuild not in ("step", "solve"):
            raise InputError(f'`rebuild` must be "step" or "solve", got {rebuild!r}')
        if precision not in ("same", "mixed"):
            raise InputError(f'`precision` must be "same" or "mixed", got {precision!r}')
        if precision == "mixed" and jnp.result_type(float) != jnp.float64:
            raise InputError(
                '`precision` = "mixed" iterates in float64: set JAX_ENABLE_X64=1 or its option '
                "jax_enable_x64 first"
            )
        self.damping, self.rtol, self.max_steps = damping, rtol, max_steps
        self.preconditioner, self.rebuild = preconditioner, rebuild
        self.precision = precision

    def setup(
        self, linearisation: AbstractLinearisation, velocity: Theta, key: PRNGKeyArray
    ) -> SolverSetup:
        if self.rebuild == "solve":
            return SolverSetup(key)
        built = self._build(self._multiplied(linearisation), key)
        return SolverSetup(built, built.products, 1)

    def _multiplied(self, linearisation: AbstractLinearisation) -> AbstractLinearisation:
        """J in the precision of the products."""
        return linearisation.astype(jnp.float32) if self.precision == "mixed" else linearisation

    def _build(self, J: AbstractLinearisation, key: PRNGKeyArray) -> AbstractBuiltPreconditioner:
        return jax.lax.stop_gradient(self.preconditioner.build(J, self.damping_of, key))

    @in_units_of_the_target
    def solve(
        self,
        linearisation: AbstractLinearisation,
        target: Values,
        velocity: Theta,
        setup: SolverSetup,
    ) -> Velocity:
        J = self._multiplied(linearisation)
        built = self._build(J, setup.state) if self.rebuild == "solve" else setup.state
        factors = built.updated(J)
        damping, narrow = self.damping_of(factors.largest), factors.largest.dtype
        wide = jnp.dtype("float64") if self.precision == "mixed" else velocity.dtype
        largest, rank = factors.largest, factors.effective_rank(damping)
        # An upper bound of the condition number.
        spectrum = Spectrum(damping, largest, rank, (largest + damping) / damping)
        structure = jax.ShapeDtypeStruct(velocity.shape, wide)
        rtol = self.rtol
        if rtol is None:
            rtol = 1e-5 if narrow == jnp.float64 else 1e-4

        def product(v):
            return J.gram_product(v.astype(narrow)).astype(wide) + damping.astype(wide) * v

        apply = factors.inverse(damping)

        def inverse(r):
            return apply(r.astype(narrow)).astype(wide)

        positive = lx.positive_semidefinite_tag
        solution = lx.linear_solve(
            lx.FunctionLinearOperator(product, structure, positive),
            linearisation.force(target).astype(wide),
            PCG(rtol, self.max_steps, 100, energy=True),
            options={
                "preconditioner": lx.FunctionLinearOperator(inverse, structure, positive),
                "y0": velocity.astype(wide),
            },
            throw=False,
        )
        steps = solution.stats["num_steps"]
        return make_velocity(
            linearisation,
            target,
            solution.value.astype(velocity.dtype),
            to_result(solution),
            solution.stats["relative_residual"].astype(velocity.dtype),
            spectrum,
            rebuilds=int(self.rebuild == "solve"),
            iterations=steps,
            # Those of `updated` or `build`, and two for the first and the last residual.
            products=steps + factors.products - setup.products + 2,
        )
