"""Matrix-free velocities without squaring the condition number: LSMR on the stacked system."""

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx

from .._errors import check_count, check_kind, check_share
from .._types import Theta, Values
from ._base import Prepared
from ._damping import AbsoluteDamping, Damping, absolute, check_damping
from ._linearisation import AbstractLinearisation
from ._nystrom import Nystrom
from ._preconditioned import AbstractPreconditioned, check_rebuild, known
from ._preconditioner import AbstractPreconditioner
from ._results import RESULTS, promoted
from ._velocity import Velocity, finish, in_units_of_the_target, ratio


class DampedLSMR(AbstractPreconditioned):
    r"""`lineax.LSMR` on $[\sqrt W J; \sqrt\mu I] P^{-1/2} y$, v = P^{-1/2} y.

    The preconditioner P approximates M + mu I as for `RidgeCG`. An iteration costs one product
    with J and one with J^T, the same as one of conjugate gradients; rounding enters with the
    condition number instead of its square, which pays in float32.

    **Arguments:**

    - `damping`: mu relative to the largest eigenvalue of M; 1e-10 in float64 and 1e-6 in float32
      if not given; `AbsoluteDamping(mu)` for mu itself.
    - `rtol`: stop when |P^{-1/2} (F - (M + mu I) v)| <= rtol |P^{-1/2} F|. Where the sketch
      reaches down to mu that is the energy norm of the error, and what a projection residual
      needs; with a smaller rank, or `Jacobi`, it is less than that, and asks for a smaller rtol.
      The test itself is rounded: in float32 it may not see that 1e-6 was met.
    - `max_steps`: iterations at most, in each of two rounds.
    - `preconditioner`, `rebuild`: as for `RidgeCG`.

    **Raises:** `InputError` for a value out of range.

    Source: Fong & Saunders, "LSMR", 2011.
    """

    damping: Damping
    rtol: float
    max_steps: int = eqx.field(static=True)
    preconditioner: AbstractPreconditioner
    rebuild: str = eqx.field(static=True)

    def __init__(
        self,
        *,
        damping: float | AbsoluteDamping | None = None,
        rtol: float = 1e-6,
        max_steps: int = 200,
        preconditioner: AbstractPreconditioner = Nystrom(150),  # noqa: B008 (immutable)
        rebuild: str = "solve",
    ):
        check_damping(damping)
        check_share("rtol", rtol)
        check_count("max_steps", max_steps)
        check_kind("preconditioner", preconditioner, AbstractPreconditioner)
        check_rebuild(rebuild, preconditioner)
        self.damping, self.rtol, self.max_steps = damping, rtol, max_steps
        self.preconditioner, self.rebuild = preconditioner, rebuild

    @in_units_of_the_target
    def solve(
        self, linearisation: AbstractLinearisation, target: Values, guess: Theta, prepared: Prepared
    ) -> Velocity:
        factors, spent = self.factors(linearisation, prepared)
        damping = absolute(self.damping, factors.largest)
        root, slack = jnp.sqrt(linearisation.weights)[:, None], jnp.sqrt(damping)
        # `finish` refuses such a target; here it must not keep the iteration going.
        f = jnp.where(jnp.all(jnp.isfinite(target)), target, 0)

        right_root = factors.power(damping, -0.5)

        def gradient(v):
            return linearisation.project(f) - linearisation.gram(v) - damping * v

        size = jnp.linalg.norm(right_root(linearisation.project(f)))
        useful = jnp.linalg.norm(right_root(gradient(guess))) < size
        start = jnp.where(useful, guess, 0)

        def stacked(v):
            return root * linearisation.push(v), slack * v

        value, iterations = start, 0
        for _ in range(2):  # again from the residual itself: LSMR's own estimate drifts
            rest = root * (f - linearisation.push(value)), -slack * value
            move, result, steps = self._iterate(stacked, right_root, rest, size)
            value, iterations = value + move, iterations + steps
        left = gradient(value)
        missed = jnp.linalg.norm(right_root(left)) > 2 * self.rtol * size
        stuck = missed & (result == RESULTS.successful)
        return finish(
            linearisation,
            target,
            value,
            RESULTS.where(stuck, RESULTS.tolerance_out_of_reach, result),
            ratio(jnp.linalg.norm(left), jnp.linalg.norm(linearisation.project(f))),
            known(factors, damping),
            iterations=iterations,
            products=iterations + spent + 5,  # residuals and their sizes
            rebuilds=int(self.rebuild == "solve"),
        )

    def _iterate(self, stacked, right_root, rest, size):
        """min_y |A P^{-1/2} y - rest|: P^{-1/2} y, the result and the number of iterations.

        The recurrences run in JAX's default float: LSMR of lineax 0.1.1 cannot run in float32
        while float64 is enabled, and they are better for it.
        """
        narrow, wide = rest[1].dtype, jnp.result_type(float)

        def product(y):
            return jax.tree.map(lambda z: z.astype(wide), stacked(right_root(y.astype(narrow))))

        # Of a zero target any limit is met, and one that is not zero serves its derivative.
        limit = jnp.where(size == 0, self.rtol, self.rtol * size)
        limit = jax.lax.stop_gradient(limit).astype(wide)
        solution = lx.linear_solve(
            lx.FunctionLinearOperator(product, jax.ShapeDtypeStruct(rest[1].shape, wide)),
            jax.tree.map(lambda z: z.astype(wide), rest),
            lx.LSMR(rtol=0.0, atol=limit, max_steps=self.max_steps, conlim=jnp.inf),  # pyright: ignore[reportArgumentType]
            throw=False,
        )
        result = promoted(solution.result)
        return right_root(solution.value.astype(narrow)), result, solution.stats["num_steps"]
