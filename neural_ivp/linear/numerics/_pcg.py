"""Preconditioned conjugate gradients as a lineax solver.

`lineax.CG` stops on element-wise tests and turns to NaN in float32 when |p.Ap| <= 200 eps n
|r.z|, which depends on the scale of the operator. `PCG` stops on the relative residual in the
2-norm, and returns it, the best iterate and the reason for its end.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Bool, Float, Int

from ...errors import check_count, check_fraction
from ...precision import full_precision


class _State(eqx.Module):
    y: Float[Array, " p"]
    r: Float[Array, " p"]
    direction: Float[Array, " p"]
    step: Float[Array, ""]
    rz: Float[Array, ""]
    best: Float[Array, " p"]
    best_norm: Float[Array, ""]
    since_best: Int[Array, ""]
    gains: Float[Array, " m"]
    least_gain: Float[Array, ""]
    iterations: Int[Array, ""]
    broken: Bool[Array, ""]
    indefinite: Bool[Array, ""]


class PCG(lx.AbstractLinearSolver):
    r"""Conjugate gradients for a positive (semi-)definite operator on one vector.

    **Arguments:**

    - `rtol`: stop when |b - A y| <= rtol |b| (2-norm).
    - `max_steps`: the largest number of iterations.
    - `patience`: iterations without improvement after which the result is stagnation.
    - `energy`: whether the error in the energy norm must fall to `rtol` |y|_A as well. Its square
      falls by $\alpha_k r_k \cdot z_k$ in iteration k (Hestenes & Stiefel, 1952, theorem 6:1); the
      estimate of what remains is k times the largest of the last four decreases, which is too small
      where the iteration pauses for longer, and at the end an estimate from the residual itself.

    Options of `lineax.linear_solve`: `preconditioner` (an operator approximating the inverse)
    and `y0`. `stats` holds `num_steps`, `relative_residual` (|b - A y| / |b| of the best iterate,
    computed at the end, not by the recurrence) and `indefinite_preconditioner`. Results:
    `max_steps_reached`; `stagnation`, also where the recurrence met `rtol` but the residual, or the
    error estimated from it, is more than twice that; `breakdown` where A or the preconditioner has
    a direction of non-positive curvature.

    Source: Hestenes & Stiefel, 1952; Saad, "Iterative methods for sparse linear systems", 9.2.
    """

    rtol: float
    max_steps: int = 500
    patience: int = 50
    energy: bool = False

    def __check_init__(self):
        check_fraction("rtol", self.rtol)
        check_count("max_steps", self.max_steps)
        check_count("patience", self.patience)

    def init(self, operator: lx.AbstractLinearOperator, options: dict[str, Any]):
        del options
        if not lx.is_positive_semidefinite(operator):
            raise ValueError("`PCG` needs an operator tagged positive semi-definite")
        return operator

    # lineax traces this later, when the program is lowered, outside of the caller's precision.
    @full_precision
    def compute(self, state: lx.AbstractLinearOperator, vector, options: dict[str, Any]):
        inverse = options.get("preconditioner", lx.IdentityLinearOperator(state.in_structure()))
        y0 = options.get("y0", jnp.zeros_like(vector))
        size = jnp.linalg.norm(vector)
        limit = self.rtol * size
        first = self._start(state, inverse, vector, y0)

        def unfinished(s: _State):
            missed = (s.best_norm > limit) | self._far(s, vector)
            allowed = (s.iterations < self.max_steps) & (s.since_best < self.patience)
            return missed & allowed & ~s.broken

        final = jax.lax.while_loop(
            unfinished, lambda s: self._iterate(state, inverse, size, s), first
        )
        met = (final.best_norm <= limit) & ~self._far(final, vector)
        rest = vector - state.mv(final.best)
        relative = jnp.where(size == 0, jnp.zeros_like(size), jnp.linalg.norm(rest) / size)
        confirmed = met & (relative <= 2 * self.rtol)
        if self.energy:  # from the true residual, since the recurrence misses its rounding
            allowed = self._allowed(2, final, vector)
            confirmed &= final.step * jnp.vdot(rest, inverse.mv(rest)) <= allowed
        stats = {
            "num_steps": final.iterations,
            "relative_residual": relative,
            "indefinite_preconditioner": final.indefinite,
        }
        return final.best, self._result(final, met, confirmed), stats

    def _start(self, operator, inverse, vector, y0) -> _State:
        r = vector - operator.mv(y0)
        # A `y0` whose residual is larger than that of zero is not used.
        useful = jnp.linalg.norm(r) < jnp.linalg.norm(vector)
        y, r = jnp.where(useful, y0, 0), jnp.where(useful, r, vector)
        z = inverse.mv(r)
        zero = jnp.zeros((), jnp.int32)
        rz, norm = jnp.vdot(r, z), jnp.linalg.norm(r)
        indefinite = ~(rz > 0) & (norm > 0)
        unknown = jnp.where(rz > 0, jnp.inf, jnp.zeros_like(rz))
        return _State(
            y=y,
            r=r,
            direction=z,
            step=jnp.zeros_like(rz),
            rz=rz,
            best=y,
            best_norm=norm,
            since_best=zero,
            gains=jnp.full(4, unknown),
            least_gain=unknown,
            iterations=zero,
            broken=indefinite | ~jnp.isfinite(norm),
            indefinite=indefinite,
        )

    def _iterate(self, operator, inverse, size, s: _State) -> _State:
        image = operator.mv(s.direction)
        curvature = jnp.vdot(s.direction, image)
        broken = ~(curvature > 0)
        step = jnp.where(broken, 0, s.rz / jnp.where(broken, 1, curvature))
        y, r = s.y + step * s.direction, s.r - step * image
        z = inverse.mv(r)
        rz, norm = jnp.vdot(r, z), jnp.linalg.norm(r)
        indefinite = ~(rz > 0) & (norm > 0)
        broken = broken | indefinite | ~jnp.isfinite(rz) | ~jnp.isfinite(norm)
        better = norm < s.best_norm
        if self.energy:  # each iteration reduces the error in that norm, whatever the 2-norm does
            better |= norm <= self.rtol * size
        better &= jnp.isfinite(norm)
        gain = step * s.rz
        # Far below the rounding of the residual, whose squares underflow.
        exhausted = norm <= 1e-3 * jnp.finfo(norm.dtype).eps * size
        progress = better | (gain < s.least_gain) if self.energy else better
        return _State(
            y=y,
            r=r,
            direction=z + rz / s.rz * s.direction,
            step=step,
            rz=rz,
            best=jnp.where(better, y, s.best),
            best_norm=jnp.where(better, norm, s.best_norm),
            since_best=jnp.where(progress, 0, s.since_best + 1),
            gains=jnp.where(exhausted, 0, jnp.roll(s.gains, 1).at[0].set(gain)),
            least_gain=jnp.minimum(gain, s.least_gain),
            iterations=s.iterations + 1,
            broken=broken,
            indefinite=indefinite,
        )

    def _far(self, s: _State, vector) -> Bool[Array, ""]:
        """Whether the energy norm of the error may still be above the tolerance."""
        if not self.energy:
            return jnp.asarray(False)
        remaining = jnp.maximum(s.iterations, 1) * jnp.max(s.gains)
        return remaining > self._allowed(1, s, vector)

    def _allowed(self, times: float, s: _State, vector) -> Float[Array, ""]:
        """The square of so many times the tolerance in the energy norm."""
        return (times * self.rtol) ** 2 * jnp.maximum(jnp.vdot(vector, s.y), 0)

    def _result(self, s: _State, met, confirmed) -> lx.RESULTS:
        result = lx.RESULTS.where(
            s.since_best >= self.patience, lx.RESULTS.stagnation, lx.RESULTS.max_steps_reached
        )
        result = lx.RESULTS.where(s.broken, lx.RESULTS.breakdown, result)
        result = lx.RESULTS.where(met, lx.RESULTS.stagnation, result)
        return lx.RESULTS.where(confirmed, lx.RESULTS.successful, result)

    def transpose(self, state: lx.AbstractLinearOperator, options: dict[str, Any]):
        options = {k: v.transpose() for k, v in options.items() if k == "preconditioner"}
        return state.transpose(), options

    def conj(self, state: lx.AbstractLinearOperator, options: dict[str, Any]):
        return state, options

    def assume_full_rank(self) -> bool:
        return True
