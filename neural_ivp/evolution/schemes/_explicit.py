"""Explicit Runge-Kutta schemes with the tableaus of diffrax.

The stages run here, not in diffrax's `solver.step`: each reports its linear solve and starts from
the velocity of the stage before, and the right-hand side is traced once instead of three times.
"""

import diffrax as dfx
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ...errors import InputError, check_count
from ...linear import (
    AbstractLinearisation,
    SecondOrderLinearisation,
    SolverSetup,
    safe_ratio,
)
from ...types import Scalar, Theta, Values
from ._scheme import AbstractScheme, StepEquation, StepResult
from ._statistics import SolveStats, step_statistics
from ._tableaus import Explicit, explicit_tableau


class ExplicitRungeKutta(AbstractScheme):
    r"""An explicit Runge-Kutta scheme, with optional corrections in function space.

    $k_i = v(\theta_0 + \tau \sum_j a_{ij} k_j)$ with $v(\theta)$ the least-squares velocity, and
    $\theta_1 = \theta_0 + \tau \sum_i b_i k_i$. Corrections are Gauss-Newton iterations from
    $\theta_1$ towards $u_0 + \tau \sum_i b_i L[u_i]$, which reduce the projection errors and those
    of the curvature of the network.

    **Arguments:**

    - `solver`: of diffrax: `Euler()`, `Heun()`, `Bosh3()`, `Tsit5()`, `Dopri5()`, `Dopri8()`, ...
    - `corrections`: Gauss-Newton iterations at the end of a step. Good values: 0 to 2.

    **Raises:** `InputError` for a solver without an explicit tableau.

    Source: Chen et al., "TENG: time-evolving natural gradient", ICML 2024, for the corrections.

    ```python
    scheme = nivp.ExplicitRungeKutta(corrections=1)
    integrator = nivp.AdaptiveStep(scheme, rtol=1e-4)
    ```
    """

    solver: Explicit = eqx.field(static=True)
    corrections: int = eqx.field(static=True)
    implicit = False

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

    def advance(
        self, equation: StepEquation, theta: Theta, t0: Scalar, t1: Scalar, velocity: Theta
    ) -> StepResult:
        start, _ = equation.velocity_problem(theta, t0)
        setup = equation.setup(start, velocity)
        tableau = explicit_tableau(self.solver)
        a, b, b_error, c = (jnp.asarray(x, theta.dtype) for x in tableau)
        dt = t1 - t0

        def stage(carry, inputs):
            ks, velocity = carry
            i, row, node = inputs
            linearisation, f = equation.velocity_problem(theta + dt * (row @ ks), t0 + node * dt)
            k = equation.solver.solve(linearisation, f, velocity, setup)
            return (ks.at[i].set(k.value), k.value), (SolveStats.of(k), linearisation.values, f)

        ks = jnp.zeros((len(c), theta.size), theta.dtype)
        stages = (jnp.arange(len(c)), a, c)
        (ks, _), (solves, us, fs) = jax.lax.scan(stage, (ks, velocity), stages)
        theta1, error = theta + dt * (b @ ks), dt * (b_error @ ks)
        # Zeros at the boundary: the residuals of the conditions are to vanish.
        target = equation.join(equation.inner(start.values + dt * jnp.tensordot(b, fs, 1)))
        theta1, solves = self._corrected(equation, theta1, t1, target, setup, solves)
        values = equation.values(theta1)
        # A difference of values, not J e: the estimate may be outside of the linear range.
        u_error = values - equation.values(theta1 - error)
        return StepResult(
            theta=theta1,
            values=values,
            error=u_error if self.has_error else None,
            parameter_error=error if self.has_error else None,
            velocity0=ks[0],
            velocity1=ks[-1],
            velocity=ks[-1],
            residual_at=(theta, t0, ks[0]),
            rhs_norm=equation.rms(equation.inner(fs[0])),
            stiffness=_stiffness(start, tableau[0], tableau[3], dt, ks),
            solved=jnp.all(jnp.isfinite(fs)) & ~jnp.any(solves.refused),
            # Where u itself is not finite, the right-hand side is not to blame.
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
        """Parameters after the Gauss-Newton iterations towards u = `target`, and all solves."""
        for _ in range(self.corrections):
            current, _ = equation.velocity_problem(theta, t1)
            residual = target - current.values
            update = equation.solver.solve(current, residual, jnp.zeros_like(theta), setup)
            theta = theta + update.value
            solves = jax.tree.map(jnp.append, solves, SolveStats.of(update, remainder=True))
        return theta, solves


def _stiffness(start: AbstractLinearisation, a: np.ndarray, c: np.ndarray, dt, ks) -> Scalar:
    """|k_i - k_j| / |theta_i - theta_j| in u for the last two stages, if both lie at t1.

    The fastest modes dominate that difference (Hairer & Wanner, IV.2).
    """
    # Waves oscillate: their fastest modes are no sign of stiffness.
    moving = isinstance(start, SecondOrderLinearisation)
    if moving or len(c) < 3 or abs(c[-2] - 1) > 1e-6:
        return jnp.asarray(jnp.nan, ks.dtype)
    difference = dt * (jnp.asarray(a[-1] - a[-2], ks.dtype) @ ks)
    change, distance = (
        jnp.sqrt(jnp.sum(start.mean_square(start.push(v)))) for v in (ks[-1] - ks[-2], difference)
    )
    return safe_ratio(change, distance)
