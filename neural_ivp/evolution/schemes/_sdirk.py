"""Singly diagonally implicit Runge-Kutta schemes, each stage solved in function space."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ...errors import check_count
from ...linear import AbstractLinearisation, Velocity, safe_ratio
from ...types import Scalar, Theta, Values
from ._implicit_residual import linearise_residual
from ._scheme import AbstractScheme, StepEquation, StepResult
from ._statistics import SolveStats, step_statistics
from ._tableaus import BACKWARD_EULER, SDIRK_2, SDIRK_4, SDIRKTableau


class AbstractSDIRK(AbstractScheme):
    r"""A singly diagonally implicit, stiffly accurate, L-stable Runge-Kutta scheme.

    Stage i is the function $u_i$ with $u_i - \gamma \tau L[u_i] = u_0 + \tau \sum_{j<i} a_{ij}
    f_j =: r_i$, and $f_i = (u_i - r_i) / \gamma \tau$. Gauss-Newton minimises the mean square of
    $u_\theta - \gamma \tau L[u_\theta] - r_i$; each iteration is a velocity problem with the
    derivative of $u_\theta - \gamma \tau L[u_\theta]$ for J. Fast modes are damped, so that only
    accuracy limits the step size.

    Source: Lubich & Nick, "Regularized dynamical parametric approximation of stiff evolution
    problems", 2025; Hairer & Wanner, "Solving ordinary differential equations II", IV.6.
    """

    iterations: eqx.AbstractVar[int]
    tableau: ClassVar[SDIRKTableau]
    implicit = True

    def __check_init__(self):
        check_count("iterations", self.iterations)

    @property
    def order(self) -> int:
        return self.tableau.order

    @property
    def error_order(self) -> int:
        return self.tableau.error_order

    @property
    def has_error(self) -> bool:
        return True

    def advance(
        self, equation: StepEquation, theta: Theta, t0: Scalar, t1: Scalar, velocity: Theta
    ) -> StepResult:
        dt = t1 - t0
        start, f0 = equation.velocity_problem(theta, t0)
        theta1, fs, solves, converged, setup = self._stages(
            equation, equation.inner(start.values), theta, t0, dt, velocity
        )
        end, f1 = equation.velocity_problem(theta1, t1)
        # The setup of the stages is for the derivative of another operator than u.
        setup_u = equation.solver.setup(end, velocity, equation.key)
        secant, has_velocity = (theta1 - theta) / dt, jnp.any(velocity != 0)
        # From fs, not from L[u]: rests of fast modes, which L[u] amplifies, stay small in them.
        f_end = equation.join(fs[-1], f1)
        final = equation.solver.solve(end, f_end, velocity, setup_u)
        last = _slope(equation, end, f_end, secant, setup_u)
        first = _slope(equation, start, start.push(velocity), secant, setup_u)
        f_start = jnp.where(has_velocity, start.push(velocity), f0)
        # Projected on the range of J: the rest is an error of the network, not of the time step.
        target = equation.join(self._error(dt, fs, equation.inner(f_start)))
        error = equation.solver.solve(end, target, jnp.zeros_like(theta), setup_u)
        for solved in (final, last, first, error):
            solves = jax.tree.map(jnp.append, solves, SolveStats.of(solved, remainder=True))
        change, rate = equation.inner(f1) - fs[-1], fs[-1]
        residual = safe_ratio(equation.rms(change), equation.rms(rate))
        statistics = step_statistics(solves, setup)
        statistics["num_products"] += setup_u.products
        statistics["rebuilds"] += setup_u.rebuilds
        return StepResult(
            theta=theta1,
            values=equation.inner(end.values),
            error=equation.inner(end.push(error.value)),
            parameter_error=None,
            # In the first step, without a velocity: of the parabola with the slope `last`.
            velocity0=jnp.where(has_velocity, first.value, 2 * secant - last.value),
            velocity1=last.value,
            velocity=final.value,
            residual_at=(theta1, t1, last.value),
            rhs_norm=equation.rms(equation.inner(f0)),
            stiffness=jnp.full_like(dt, jnp.nan),
            solved=jnp.all(converged) & jnp.all(jnp.isfinite(fs)) & ~jnp.any(solves.refused),
            # Where u itself is not finite, the right-hand side is not to blame.
            target_finite=jnp.all(jnp.isfinite(f0))
            & jnp.all(jnp.isfinite(f1) | ~jnp.isfinite(end.values)),
            statistics=statistics | {"projection_residual": residual},
        )

    def _stages(self, equation: StepEquation, u0: Values, theta: Theta, t0, dt, velocity):
        """theta at t1; f, solves and convergence of each stage; the setup that they share."""
        matrix = self.tableau.a
        nodes = matrix.sum(axis=1)
        a, c = jnp.asarray(matrix, dt.dtype), jnp.asarray(nodes, dt.dtype)
        # Each stage starts on the line through theta0 and the stage before.
        extrapolation = jnp.asarray(nodes / np.concatenate([nodes[:1], nodes[:-1]]), dt.dtype)
        h = a[0, 0] * dt
        previous = theta + c[0] * dt * velocity
        first = _residual(equation, previous, t0 + c[0] * dt, h)
        setup = equation.solver.setup(first, jnp.zeros_like(theta), equation.key)

        def stage(carry, inputs):
            fs, previous = carry
            i, row, node, factor = inputs
            right = u0 + dt * jnp.tensordot(row, fs, 1)  # the f of this stage is still 0
            begin, t = theta + factor * (previous - theta), t0 + node * dt
            result = self._solve_stage(equation, begin, right, t, h, setup)
            fs = fs.at[i].set((equation.values(result.theta) - right) / h)
            return (fs, result.theta), (result.solves, result.converged)

        fs = jnp.zeros((len(nodes), *u0.shape), u0.dtype)
        inputs = (jnp.arange(len(nodes)), a, c, extrapolation)
        (fs, previous), (solves, converged) = jax.lax.scan(stage, (fs, previous), inputs)
        return previous, fs, solves, converged, setup

    def _solve_stage(self, equation: StepEquation, theta, right: Values, t, h, setup) -> "_Stage":
        """Solve u - h L[u] = right by Gauss-Newton from `theta`."""
        # Constant steps have no tolerance; rounding limits theirs.
        rtol = max(0.1 * equation.rtol, float(jnp.finfo(theta.dtype).eps) ** 0.5)

        def improve(stage: _Stage) -> _Stage:
            residual = _residual(equation, stage.theta, t, h)
            # The residuals of the conditions at the boundary are to vanish.
            target = equation.join(right) - residual.values
            update = equation.solver.solve(residual, target, jnp.zeros_like(theta), setup)
            new = stage.theta + update.value
            before, after = equation.values(stage.theta), equation.values(new)
            tolerance = 0.1 * equation.atol + rtol * equation.size(new, t)
            return _Stage(
                theta=new,
                solves=stage.solves.plus(SolveStats.of(update, remainder=True)),
                converged=equation.rms(after - before) <= tolerance,
            )

        def unfinished(stage: _Stage):
            return ~stage.converged & (stage.solves.solves < self.iterations)

        start = _Stage(theta, SolveStats.none(theta.dtype), jnp.asarray(False))
        return jax.lax.while_loop(unfinished, improve, start)

    def _error(self, dt: Scalar, fs: Float[Array, "s n q"], f0: Values) -> Values:
        """The local error in u; `f0` is u_t at the start."""
        error = dt * jnp.tensordot(jnp.asarray(self.tableau.error, dt.dtype), fs, 1)
        weight = self.tableau.error_start
        return error + weight * dt * f0 if weight else error


def _slope(equation: StepEquation, linearisation, f: Values, secant: Theta, setup) -> Velocity:
    """The velocity for f nearest to the secant through both ends of the step.

    Along directions that do not change u, the cubic of dense output then stays straight.
    """
    target = f - linearisation.push(secant)
    update = equation.solver.solve(linearisation, target, jnp.zeros_like(secant), setup)
    return eqx.tree_at(lambda v: v.value, update, secant + update.value)


def _residual(equation: StepEquation, theta: Theta, t: Scalar, h: Scalar) -> AbstractLinearisation:
    """The linearised w - h w_t at the points of the step."""
    parts = equation.problem, equation.trial, equation.template, theta, equation.sample
    residual = linearise_residual(*parts, t, h, equation.chunk_size)
    return equation.with_boundary_rows(residual, theta, t)


class _Stage(eqx.Module):
    """The state of the Gauss-Newton iteration of one stage."""

    theta: Theta
    solves: SolveStats
    converged: Bool[Array, ""]


class BackwardEuler(AbstractSDIRK):
    r"""The backward Euler scheme $u_1 = u_0 + \tau L[u_1]$, of order 1.

    The error estimate is half the step times the change of L[u].

    **Arguments:**

    - `iterations`: the largest number of Gauss-Newton iterations for a stage. They end when one
      changes u by less than a tenth of the tolerance of the step; if none does, the step fails and
      `AdaptiveStep` tries a shorter one.

    **Raises:** `InputError` for a count below one.

    ```python
    integrator = nivp.ConstantStep(nivp.BackwardEuler(), dt=0.01)
    ```
    """

    iterations: int = eqx.field(static=True, default=6)
    tableau = BACKWARD_EULER


class SDIRK2(AbstractSDIRK):
    """Alexander's scheme of order 2 with two stages.

    **Arguments:**

    - `iterations`: as for `BackwardEuler`.

    **Raises:** `InputError` for a count below one.

    Source: Alexander, "Diagonally implicit Runge-Kutta methods for stiff O.D.E.'s", 1977.

    ```python
    integrator = nivp.AdaptiveStep(nivp.SDIRK2(), rtol=1e-3)
    ```
    """

    iterations: int = eqx.field(static=True, default=6)
    tableau = SDIRK_2


class SDIRK4(AbstractSDIRK):
    """The scheme of Hairer and Wanner of order 4 with five stages; the default for diffusion.

    **Arguments:**

    - `iterations`: as for `BackwardEuler`.

    **Raises:** `InputError` for a count below one.

    Source: Hairer & Wanner, "Solving ordinary differential equations II", table IV.6.5.

    ```python
    integrator = nivp.AdaptiveStep(nivp.SDIRK4(), rtol=1e-4)
    ```
    """

    iterations: int = eqx.field(static=True, default=6)
    tableau = SDIRK_4
