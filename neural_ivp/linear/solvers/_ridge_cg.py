"""Matrix-free velocities: conjugate gradients on (M + mu I) v = F."""

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Int, PRNGKeyArray

from ...errors import InputError, check_count, check_kind, check_share
from ...types import Theta, Values
from ..linearisation import AbstractLinearisation
from ..numerics import (
    PCG,
    RESULTS,
    Damping,
    DampingLike,
    Spectrum,
    check_damping,
    promoted,
)
from ..preconditioners import (
    AbstractBuiltPreconditioner,
    AbstractFactors,
    AbstractPreconditioner,
    Nystrom,
)
from ._base import (
    AbstractDampedSolver,
    SolverSetup,
    Velocity,
    in_units_of_the_target,
    make_velocity,
)


class RidgeCG(AbstractDampedSolver):
    r"""Preconditioned conjugate gradients; memory and time linear in p.

    An iteration holds a few vectors; a `Nystrom` sketch is one array of p times its rank, and is
    built in place.

    **Arguments:**

    - `damping`: mu relative to the largest eigenvalue of M; 1e-10 where the products are in
      float64 and 1e-6 in float32 if not given; `Damping(mu, relative=False)` for mu itself.
    - `rtol`: where the iteration stops: the relative residual |(M + mu I) v - F| / |F|, and the
      estimated error of v relative to v in the energy norm, (|J v|^2 + mu |v|^2)^{1/2} with the
      mean square over the points. The second is what a projection residual needs: the first can
      be small while J v is wrong. 1e-5 where the products are in float64 and 1e-4, about what
      their rounding allows at a damping of 1e-6, in float32 if not given.
    - `max_steps`: iterations at most.
    - `preconditioner`: `Nystrom(rank)`, `Landmarks(rank)` or `NoPreconditioner()`.
    - `rebuild`: "solve" builds the preconditioner for every right-hand side, as in the paper;
      "step" builds it at the start of each step and shares it among the stages. Where M changes by
      more than mu in a step, as in advection, a sketch that is kept makes solves fail and the
      march longer; `Landmarks` with "step" follow (`benchmarks/trajectories.py reuse`).
    - `precision`: "same" works in the network's dtype; "mixed" multiplies by J in float32 and
      iterates in float64, which must be enabled in JAX.

    A gradient solves the adjoint system in the same way; where that does not reach `rtol`, lineax
    raises its own error, which tells the iteration's end.

    **Raises:** `InputError` for a value out of range, or "mixed" without float64.
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
            check_share("rtol", rtol)
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
        built = self._build(linearisation, key)
        return SolverSetup(built, built.products, 1)

    def _multiplied(self, linearisation: AbstractLinearisation) -> AbstractLinearisation:
        """J as this solver multiplies it."""
        return linearisation.astype(jnp.float32) if self.precision == "mixed" else linearisation

    def _build(
        self, linearisation: AbstractLinearisation, key: PRNGKeyArray
    ) -> AbstractBuiltPreconditioner:
        multiplied = self._multiplied(linearisation)
        built = self.preconditioner.build(multiplied, self.damping_of, key)
        return jax.lax.stop_gradient(built)

    def _factors(
        self, linearisation: AbstractLinearisation, setup: SolverSetup
    ) -> tuple[AbstractFactors, int | Int[Array, ""]]:
        """The preconditioner of one solve, and the products it took."""
        J = self._multiplied(linearisation)
        if self.rebuild == "solve":
            factors = self._build(linearisation, setup.state).updated(J)
            return factors, factors.products
        factors = setup.state.updated(J)
        return factors, factors.products - setup.state.products

    @in_units_of_the_target
    def solve(
        self,
        linearisation: AbstractLinearisation,
        target: Values,
        velocity: Theta,
        setup: SolverSetup,
    ) -> Velocity:
        factors, spent = self._factors(linearisation, setup)
        damping = self.damping_of(factors.largest)
        multiplied, narrow = self._multiplied(linearisation), factors.largest.dtype
        wide = jnp.dtype("float64") if self.precision == "mixed" else velocity.dtype
        largest, rank = factors.largest, factors.effective_rank(damping)
        # An upper bound of the condition number.
        spectrum = Spectrum(damping, largest, rank, (largest + damping) / damping)
        structure = jax.ShapeDtypeStruct(velocity.shape, wide)
        usual = 1e-5 if narrow == jnp.float64 else 1e-4

        def product(v):
            return multiplied.gram_product(v.astype(narrow)).astype(wide) + damping.astype(wide) * v

        apply = factors.inverse(damping)

        def inverse(r):
            return apply(r.astype(narrow)).astype(wide)

        positive = lx.positive_semidefinite_tag
        solution = lx.linear_solve(
            lx.FunctionLinearOperator(product, structure, positive),
            linearisation.force(target).astype(wide),
            PCG(usual if self.rtol is None else self.rtol, self.max_steps, 100, energy=True),
            options={
                "preconditioner": lx.FunctionLinearOperator(inverse, structure, positive),
                "y0": velocity.astype(wide),
            },
            throw=False,
        )
        result = promoted(solution.result)
        indefinite = solution.stats["indefinite_preconditioner"]
        indefinite &= result == RESULTS.indefinite_system
        return make_velocity(
            linearisation,
            target,
            solution.value.astype(velocity.dtype),
            RESULTS.where(indefinite, RESULTS.indefinite_preconditioner, result),
            solution.stats["relative_residual"].astype(velocity.dtype),
            spectrum,
            rebuilds=int(self.rebuild == "solve"),
            iterations=solution.stats["num_steps"],
            products=solution.stats["num_steps"] + spent + 2,  # the first and last residual
        )
