"""Explicit Runge-Kutta schemes, by diffrax's tableaus.

The stages are run here instead of by `solver.step`, for three reasons: each stage reports its
linear solve, starts from the velocity of the stage before, and the right-hand side is traced once
instead of three times. The steps equal diffrax's own (a test compares them).
"""

import diffrax as dfx
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ...errors import InputError, check_count
from ...linear import AbstractLinearisation, SolverSetup, safe_ratio
from ...types import Scalar, Theta, Values
from ._scheme import AbstractScheme, StepEquation, StepResult
from ._statistics import SolveStats, step_statistics
from ._tableaus import Explicit, explicit_tableau


class ExplicitRungeKutta(AbstractScheme):
    r"""An explicit Runge-Kutta scheme: $k_i = v(\theta_0 + \tau \sum_j a_{ij} k_j)$ with
    $v(\theta)$ the velocity that follows $L[u_\theta]$ best, $\theta_1 = \theta_0 + \tau \sum_i
    b_i k_i$.

    A step of diffrax's solver with `corrections` ends by so many Gauss-Newton iterations towards
    what the scheme aims at in function space, $u_0 + \tau \sum_i b_i L[u_i]$: what the tangent
    space of the step did not hold is then not lost, nor is the curvature of the network.

    **Arguments:**

    - `solver`: of diffrax: `Euler()`, `Heun()`, `Bosh3()`, `Tsit5()`, `Dopri5()`, `Dopri8()`, ...
    - `corrections`: Gauss-Newton iterations at the end of a step. Good values: 0 to 2.

    **Raises:** `InputError` for a solver without an explicit tableau.

    Source: Chen et al., "TENG: time-evolving natural gradient", ICML 2024, for the corrections.
    """

    solver: Explicit = eqx.field(static=True)
    corrections: int = eqx.field(static=True)

    def __init__(
        self,
        solver: Explicit = dfx.Tsit5(),  # noqa: B008 (immutable)
        *,
        corrections: int = 0,
    ):
        if not isinstance(solver, dfx.AbstractERK | dfx.Euler):
            raise InputError(
                f"`solver` must be an explicit Runge-Kutta method of diffrax (Euler, Bosh3, Tsit5, "
                f"Dopri5, ...), got {solver!r}"
            )
        check_count("corrections", corrections, minimum=0)
        self.solver, self.corrections = solver, corrections

    @property
    def order(self) -> int:
        order = self.solver.order(None)  # pyright: ignore[reportArgumentType]
        assert order is not None
        return order

    @property
    def error_order(self) -> int:
        return self.order

    @property
    def has_error(self) -> bool:
        return not isinstance(self.solver, dfx.Euler)

    @property
    def implicit(self) -> bool:
        return False

    def advance(
        self, equation: StepEquation, theta: Theta, t0: Scalar, t1: Scalar, velocity: Theta
    ) -> StepResult:
        start, _ = equation.velocity_problem(theta, t0)
        setup = equation.setup(start, velocity)
        numbers = explicit_tableau(self.solver)
        a, b, b_error, c = (jnp.asarray(x, theta.dtype) for x in numbers)
        dt = t1 - t0

        def stage(carry, inputs):
            ks, velocity = carry
            i, row, node = inputs
            here, f = equation.velocity_problem(theta + dt * (row @ ks), t0 + node * dt)
            found = equation.solver.solve(here, f, velocity, setup)
            return (ks.at[i].set(found.value), found.value), (SolveStats.of(found), here.values, f)

        ks = jnp.zeros((len(c), theta.size), theta.dtype)
        stages = (jnp.arange(len(c)), a, c)
        (ks, _), (solves, us, fs) = jax.lax.scan(stage, (ks, velocity), stages)
        theta1, error = theta + dt * (b @ ks), dt * (b_error @ ks)
        target = start.values + dt * jnp.tensordot(b, fs, 1)
        theta1, solves = self._corrected(equation, theta1, t1, target, setup, solves)
        values = equation.values(theta1, t1)
        # Not J e: a difference of values also sees an estimate that has left the linear range.
        u_error = values - equation.values(theta1 - error, t1)
        return StepResult(
            theta=theta1,
            start=start.values,
            values=values,
            error=u_error if self.has_error else None,
            parameter_error=error if self.has_error else None,
            velocity0=ks[0],
            velocity1=ks[-1],
            velocity=ks[-1],
            residual_at=(theta, t0, ks[0]),
            rhs_norm=equation.size(fs[0]),
            stiffness=_stiffness(start, numbers[0], numbers[3], dt, ks),
            finite=jnp.all(jnp.isfinite(fs)) & ~jnp.any(solves.refused),
            # Not the right-hand side's fault if the values were not finite to begin with.
            target_finite=jnp.all(jnp.isfinite(fs) | ~jnp.isfinite(us)),
            statistics=step_statistics(solves, setup),
        )

    def _corrected(
        self,
        equation: StepEquation,
        theta: Theta,
        t1: Scalar,
        target: Values,
        setup: SolverSetup,
        solves: SolveStats,
    ) -> tuple[Theta, SolveStats]:
        """Gauss-Newton towards `target` in function space."""
        for _ in range(self.corrections):
            here, _ = equation.velocity_problem(theta, t1)
            found = equation.solver.solve(here, target - here.values, jnp.zeros_like(theta), setup)
            theta = theta + found.value
            solves = jax.tree.map(jnp.append, solves, SolveStats.of(found, remainder=True))
        return theta, solves


def _stiffness(start: AbstractLinearisation, a: np.ndarray, c: np.ndarray, dt, ks) -> Scalar:
    """|v(g) - v(h)| / |g - h| in u for the last two stages, where both lie at t1.

    That difference is made by the fastest modes (Hairer & Wanner, IV.2).
    """
    if len(c) < 3 or abs(c[-2] - 1) > 1e-6:
        return jnp.asarray(jnp.nan, ks.dtype)
    apart = dt * (jnp.asarray(a[-1] - a[-2], ks.dtype) @ ks)
    faster, further = (
        jnp.sqrt(jnp.sum(start.mean_square(start.push(v)))) for v in (ks[-1] - ks[-2], apart)
    )
    return safe_ratio(faster, further)
