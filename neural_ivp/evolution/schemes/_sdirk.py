"""Singly diagonally implicit Runge-Kutta schemes, each stage solved in function space."""

import abc

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
    f_j =: r_i$, and $f_i = (u_i - r_i) / \gamma \tau$. Its network minimises $\overline{|u_\theta -
    \gamma \tau L[u_\theta] - r_i|^2}$ by Gauss-Newton, each iteration a velocity problem with the
    derivative of $u_\theta - \gamma \tau L[u_\theta]$ for J. The fast modes of the equation and of
    the network's noise are damped, not followed: steps are as long as accuracy allows.

    Source: Lubich & Nick, "Regularized dynamical parametric approximation of stiff evolution
    problems", 2025; Hairer & Wanner, "Solving ordinary differential equations II", IV.6.
    """

    iterations: eqx.AbstractVar[int]

    @property
    @abc.abstractmethod
    def tableau(self) -> SDIRKTableau: ...

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

    @property
    def implicit(self) -> bool:
        return True

    def advance(
        self, equation: StepEquation, theta: Theta, t0: Scalar, t1: Scalar, velocity: Theta
    ) -> StepResult:
        dt = t1 - t0
        start, f0 = equation.velocity_problem(theta, t0)
        theta1, fs, stages, converged, setup = self._stages(
            equation, start.values, theta, t0, dt, velocity
        )
        here, f1 = equation.velocity_problem(theta1, t1)
        # What the stages share is of another operator than J.
        plain = equation.setup(here, velocity)
        straight, known = (theta1 - theta) / dt, jnp.any(velocity != 0)
        before = jnp.where(known, start.push(velocity), f0)
        # From the stage's values, not from L[u]: what is left of fast modes stays small in them.
        final = equation.solver.solve(here, fs[-1], velocity, plain)
        last = _slope(equation, here, fs[-1], straight, plain)
        first = _slope(equation, start, start.push(velocity), straight, plain)
        # As far as the network can follow it: what it cannot is no error of the time step.
        target = self._error(dt, fs, before)
        error = equation.solver.solve(here, target, jnp.zeros_like(theta), plain)
        solves = stages
        for found in (final, last, first, error):
            solves = jax.tree.map(jnp.append, solves, SolveStats.of(found, remainder=True))
        residual = safe_ratio(equation.size(f1 - fs[-1]), equation.size(fs[-1]))
        statistics = step_statistics(solves, setup)
        statistics["num_products"] += plain.products
        statistics["rebuilds"] += plain.rebuilds
        return StepResult(
            theta=theta1,
            start=start.values,
            values=here.values,
            error=here.push(error.value),
            parameter_error=None,
            # Without a velocity from the step before: the parabola through both ends.
            velocity0=jnp.where(known, first.value, 2 * straight - last.value),
            velocity1=last.value,
            velocity=final.value,
            residual_at=(theta1, t1, last.value),
            rhs_norm=equation.size(f0),
            stiffness=jnp.full_like(dt, jnp.nan),
            finite=jnp.all(converged) & jnp.all(jnp.isfinite(fs)) & ~jnp.any(solves.refused),
            # Not the right-hand side's fault if the values were not finite to begin with.
            target_finite=jnp.all(jnp.isfinite(f0))
            & jnp.all(jnp.isfinite(f1) | ~jnp.isfinite(here.values)),
            statistics=statistics | {"projection_residual": residual},
        )

    def _stages(self, equation: StepEquation, u0: Values, theta: Theta, t0, dt, velocity):
        """theta at t1, f of each stage, its solves, whether it converged; and what they share."""
        matrix = self.tableau.a
        nodes = matrix.sum(axis=1)
        a, c = jnp.asarray(matrix, dt.dtype), jnp.asarray(nodes, dt.dtype)
        # Each stage starts on the straight line through theta0 and the stage before.
        stretch = jnp.asarray(nodes / np.concatenate([nodes[:1], nodes[:-1]]), dt.dtype)
        h = a[0, 0] * dt
        reached = theta + c[0] * dt * velocity
        first = _residual(equation, reached, t0 + c[0] * dt, h)
        setup = equation.setup(first, jnp.zeros_like(theta))

        def stage(carry, inputs):
            fs, reached = carry
            i, row, node, stretch = inputs
            right = u0 + dt * jnp.tensordot(row, fs, 1)  # the f of this stage is still 0
            begin = theta + stretch * (reached - theta)
            found = self._solved(equation, begin, right, t0 + node * dt, h, setup)
            fs = fs.at[i].set((equation.values(found.theta, t0 + node * dt) - right) / h)
            return (fs, found.theta), (found.solves, found.converged)

        fs = jnp.zeros((len(nodes), *u0.shape), u0.dtype)
        numbers = (jnp.arange(len(nodes)), a, c, stretch)
        (fs, reached), (solves, converged) = jax.lax.scan(stage, (fs, reached), numbers)
        return reached, fs, solves, converged, setup

    def _solved(self, equation: StepEquation, theta, right: Values, t, h, setup) -> "_Stage":
        """Gauss-Newton for u - h L[u] = right."""

        def improve(stage: _Stage) -> _Stage:
            here = _residual(equation, stage.theta, t, h)
            move = equation.solver.solve(here, right - here.values, jnp.zeros_like(theta), setup)
            moved = stage.theta + move.value
            before, after = equation.values(stage.theta, t), equation.values(moved, t)
            # Steps of constant size have no tolerance; below this there is only rounding.
            least = float(jnp.finfo(theta.dtype).eps) ** 0.5
            rtol = max(0.1 * equation.rtol, least)
            tolerance = 0.1 * equation.atol + rtol * equation.size(after)
            return _Stage(
                theta=moved,
                solves=stage.solves.plus(SolveStats.of(move, remainder=True)),
                converged=equation.size(after - before) <= tolerance,
            )

        def going(stage: _Stage):
            return ~stage.converged & (stage.solves.solves < self.iterations)

        start = _Stage(theta, SolveStats.none(theta.dtype), jnp.asarray(False))
        return jax.lax.while_loop(going, improve, start)

    def _error(self, dt: Scalar, fs: Float[Array, "s n q"], f0: Values) -> Values:
        """The local error in u; `f0` is the derivative with which the step before ended."""
        error = dt * jnp.tensordot(jnp.asarray(self.tableau.error, dt.dtype), fs, 1)
        start = self.tableau.error_start
        return error + start * dt * f0 if start else error


def _slope(equation: StepEquation, there, f: Values, straight: Theta, setup) -> Velocity:
    """The velocity for f that departs least from the straight way between the ends of the step.

    What does not move u must not make the cubic between the two wind.
    """
    found = equation.solver.solve(there, f - there.push(straight), jnp.zeros_like(straight), setup)
    return eqx.tree_at(lambda v: v.value, found, straight + found.value)


def _residual(equation: StepEquation, theta: Theta, t: Scalar, h: Scalar) -> AbstractLinearisation:
    """u - h L[u] at the points of the step, linearised."""
    parts = equation.problem, equation.template, theta, equation.sample
    return linearise_residual(*parts, t, h, equation.chunk_size)


class _Stage(eqx.Module):
    """How far the Gauss-Newton iteration of one stage has come."""

    theta: Theta
    solves: SolveStats
    converged: Bool[Array, ""]


class BackwardEuler(AbstractSDIRK):
    r"""$u_1 = u_0 + \tau L[u_1]$, of order 1.

    The error estimate is half the step times the change of L[u].

    **Arguments:**

    - `iterations`: of Gauss-Newton for a stage at most. They end when one changes u by less than
      a tenth of the step's tolerance; a step whose stages do not get there is tried shorter.

    **Raises:** `InputError` for a count below one.

    ```python
    integrator = nivp.ConstantStep(nivp.BackwardEuler(), dt=0.01)
    print(integrator.order)
    ```
    """

    iterations: int = eqx.field(static=True, default=6)

    @property
    def tableau(self) -> SDIRKTableau:
        return BACKWARD_EULER


class SDIRK2(AbstractSDIRK):
    """Alexander's scheme of order 2, two stages.

    **Arguments:** as for `BackwardEuler`.

    **Raises:** `InputError` for a count below one.

    Source: Alexander, "Diagonally implicit Runge-Kutta methods for stiff O.D.E.'s", 1977.

    ```python
    integrator = nivp.AdaptiveStep(nivp.SDIRK2(), rtol=1e-3)
    ```
    """

    iterations: int = eqx.field(static=True, default=6)

    @property
    def tableau(self) -> SDIRKTableau:
        return SDIRK_2


class SDIRK4(AbstractSDIRK):
    """The scheme of Hairer and Wanner of order 4, five stages; the default for diffusion.

    **Arguments:** as for `BackwardEuler`.

    **Raises:** `InputError` for a count below one.

    Source: Hairer & Wanner, "Solving ordinary differential equations II", table IV.6.5.

    ```python
    integrator = nivp.AdaptiveStep(nivp.SDIRK4(), rtol=1e-4)
    print(integrator.order)
    ```
    """

    iterations: int = eqx.field(static=True, default=6)

    @property
    def tableau(self) -> SDIRKTableau:
        return SDIRK_4
