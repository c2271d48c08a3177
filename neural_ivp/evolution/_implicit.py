"""Implicit Runge-Kutta schemes, each stage solved in function space by Gauss-Newton."""

from typing import Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from .._errors import InputError, check_count
from .._types import Field, Point, Scalar, Theta, Value, Values
from ..linear import Velocity
from ..linear._chunked import chunked
from ..linear._generic import generic
from ..linear._velocity import ratio
from ..problems import AbstractNorm, AbstractProblem
from ._scheme import AbstractScheme, Advanced, StepEquation
from ._solves import Solved, of_solves

Tableau = Literal["backward_euler", "sdirk2", "sdirk4"]


class _Tableau(NamedTuple):
    """a with gamma on its diagonal and b as its last row; weights of the error estimate."""

    a: np.ndarray
    error: np.ndarray
    order: int
    error_order: int


def _tableaus() -> dict[str, _Tableau]:
    """Singly diagonally implicit, stiffly accurate and L-stable (Hairer & Wanner, IV.6)."""
    g = 1 - 0.5**0.5
    four = np.zeros((5, 5))
    four[0, :1] = [1 / 4]
    four[1, :2] = [1 / 2, 1 / 4]
    four[2, :3] = [17 / 50, -1 / 25, 1 / 4]
    four[3, :4] = [371 / 1360, -137 / 2720, 15 / 544, 1 / 4]
    four[4, :] = [25 / 24, -49 / 48, 125 / 16, -85 / 12, 1 / 4]
    third = np.array([59 / 48, -17 / 96, 225 / 32, -85 / 12, 0.0])
    two = np.array([[g, 0.0], [1 - g, g]])
    return {
        # Half the step times the change of L[u] over it: see `advance`.
        "backward_euler": _Tableau(np.ones((1, 1)), np.array([0.5]), 1, 2),
        "sdirk2": _Tableau(two, two[1] - np.array([1.0, 0.0]), 2, 2),
        "sdirk4": _Tableau(four, four[4] - third, 4, 4),
    }


class Implicit(AbstractScheme):
    r"""A diagonally implicit Runge-Kutta scheme for stiff problems.

    Stage i is the function $u_i$ with $u_i - \gamma \tau L[u_i] = u_0 + \tau \sum_{j<i} a_{ij}
    f_j =: r_i$, and $f_i = (u_i - r_i) / \gamma \tau$. Its network minimises $\overline{|u_\theta -
    \gamma \tau L[u_\theta] - r_i|^2}$ by Gauss-Newton, each iteration a velocity problem with the
    derivative of $u_\theta - \gamma \tau L[u_\theta]$ for J. The fast modes of the equation and of
    the network's noise are damped, not followed: steps are as long as accuracy allows.

    **Arguments:**

    - `tableau`: "backward_euler" (order 1), "sdirk2" (order 2, Alexander's) or "sdirk4" (order
      4, of Hairer and Wanner); all are L-stable.
    - `iterations`: of Gauss-Newton for a stage at most. They end when one changes u by less than a
      tenth of the tolerance of the step, or the square root of the rounding unit where that is
      larger; a step whose stages do not get there is tried shorter.

    **Raises:** `InputError` for an unknown tableau or a count below one.

    Source: Lubich & Nick, "Regularized dynamical parametric approximation of stiff evolution
    problems", 2025; Hairer & Wanner, "Solving ordinary differential equations II", IV.6.
    """

    tableau: Tableau = eqx.field(static=True)
    iterations: int = eqx.field(static=True)

    def __init__(self, tableau: Tableau = "sdirk4", *, iterations: int = 6):
        if tableau not in _tableaus():
            raise InputError(f"`tableau` must be one of {sorted(_tableaus())}, got {tableau!r}")
        check_count("iterations", iterations)
        self.tableau, self.iterations = tableau, iterations

    @property
    def order(self) -> int:
        return _tableaus()[self.tableau].order

    @property
    def error_order(self) -> int:
        return _tableaus()[self.tableau].error_order

    @property
    def has_error(self) -> bool:
        return True

    @property
    def implicit(self) -> bool:
        return True

    def advance(
        self, equation: StepEquation, theta: Theta, t0: Scalar, t1: Scalar, guess: Theta
    ) -> Advanced:
        dt = t1 - t0
        start, f0 = equation.tangent(theta, t0)
        theta1, fs, stages, converged, prepared = self._stages(
            equation, start.values, theta, t0, dt, guess
        )
        here, f1 = equation.tangent(theta1, t1)
        # What the stages share is of another operator than J.
        plain = equation.prepare(here, fs[-1], guess)
        straight, known = (theta1 - theta) / dt, jnp.any(guess != 0)
        before = jnp.where(known, start.push(guess), f0)
        # From the stage's values, not from L[u]: what is left of fast modes stays small in them.
        final = equation.solver.solve(here, fs[-1], guess, plain)
        last = _slope(equation, here, fs[-1], straight, plain)
        first = _slope(equation, start, start.push(guess), straight, plain)
        # As far as the network can follow it: what it cannot is no error of the time step.
        error = equation.solver.solve(
            here, self._error(dt, fs, before), jnp.zeros_like(theta), plain
        )
        solves = stages
        for found in (final, last, first, error):
            solves = jax.tree.map(jnp.append, solves, Solved.of(found, remainder=True))
        residual = ratio(equation.size(f1 - fs[-1]), equation.size(fs[-1]))
        made = of_solves(solves, prepared)
        made["products"] += plain.products
        made["rebuilds"] += plain.rebuilds
        return Advanced(
            theta=theta1,
            start=start.values,
            values=here.values,
            error=here.push(error.value),
            parameter_error=None,
            # Without a velocity from the step before: the parabola through both ends.
            velocity0=jnp.where(known, first.value, 2 * straight - last.value),
            velocity1=last.value,
            guess=final.value,
            looked=(theta1, t1, last.value),
            speed=equation.size(f0),
            stiffness=jnp.full_like(dt, jnp.nan),
            finite=jnp.all(converged) & jnp.all(jnp.isfinite(fs)) & ~jnp.any(solves.refused),
            # Not the right-hand side's fault if the values were not finite to begin with.
            target_finite=jnp.all(jnp.isfinite(f0))
            & jnp.all(jnp.isfinite(f1) | ~jnp.isfinite(here.values)),
            prepared=prepared,
            solves=made | {"projection_residual": residual},
        )

    def _stages(self, equation: StepEquation, u0: Values, theta: Theta, t0, dt, guess):
        """theta at t1, f of each stage, its solves, whether it converged; and what they share."""
        matrix = _tableaus()[self.tableau].a
        nodes = matrix.sum(axis=1)
        a, c = jnp.asarray(matrix, dt.dtype), jnp.asarray(nodes, dt.dtype)
        # Each stage starts on the straight line through theta0 and the stage before.
        stretch = jnp.asarray(nodes / np.concatenate([nodes[:1], nodes[:-1]]), dt.dtype)
        h = a[0, 0] * dt
        reached = theta + c[0] * dt * guess
        first = _linearised(equation, reached, t0 + c[0] * dt, h)
        prepared = equation.prepare(first, u0 - first.values, jnp.zeros_like(theta))

        def stage(carry, inputs):
            fs, reached = carry
            i, row, node, stretch = inputs
            right = u0 + dt * jnp.tensordot(row, fs, 1)  # the f of this stage is still 0
            begin = theta + stretch * (reached - theta)
            found = self._solved(equation, begin, right, t0 + node * dt, h, prepared)
            fs = fs.at[i].set((equation.values(found.theta) - right) / h)
            return (fs, found.theta), (found.solves, found.converged)

        fs = jnp.zeros((len(nodes), *u0.shape), u0.dtype)
        numbers = (jnp.arange(len(nodes)), a, c, stretch)
        (fs, reached), (solves, converged) = jax.lax.scan(stage, (fs, reached), numbers)
        return reached, fs, solves, converged, prepared

    def _solved(self, equation: StepEquation, theta, right: Values, t, h, prepared) -> "_Stage":
        """Gauss-Newton for u - h L[u] = right."""

        def improve(stage: _Stage) -> _Stage:
            here = _linearised(equation, stage.theta, t, h)
            move = equation.solver.solve(here, right - here.values, jnp.zeros_like(theta), prepared)
            before, after = (equation.values(x) for x in (stage.theta, stage.theta + move.value))
            # Steps of a fixed size have no tolerance; below this there is only rounding.
            least = float(jnp.finfo(theta.dtype).eps) ** 0.5
            rtol = max(0.1 * equation.rtol, least)
            tolerance = 0.1 * equation.atol + rtol * equation.size(after)
            return _Stage(
                theta=stage.theta + move.value,
                solves=stage.solves.plus(Solved.of(move, remainder=True)),
                converged=equation.size(after - before) <= tolerance,
            )

        begin = _Stage(theta, Solved.none(theta.dtype), jnp.asarray(False))
        return jax.lax.while_loop(
            lambda stage: ~stage.converged & (stage.solves.solves < self.iterations), improve, begin
        )

    def _error(self, dt: Scalar, fs: Float[Array, "s n q"], f0: Values) -> Values:
        """The local error in u; `f0` is the derivative with which the step before ended."""
        if self.tableau == "backward_euler":
            return 0.5 * dt * (fs[0] - f0)
        weights = jnp.asarray(_tableaus()[self.tableau].error, dt.dtype)
        return dt * jnp.tensordot(weights, fs, 1)


def _slope(equation: StepEquation, there, f: Values, straight: Theta, prepared) -> Velocity:
    """The velocity for f that departs least from the straight way between the ends of the step.

    What does not move u must not make the cubic between the two wind.
    """
    found = equation.solver.solve(
        there, f - there.push(straight), jnp.zeros_like(straight), prepared
    )
    return eqx.tree_at(lambda v: v.value, found, straight + found.value)


class _Stage(eqx.Module):
    """How far the Gauss-Newton iteration of one stage has come."""

    theta: Theta
    solves: Solved
    converged: Bool[Array, ""]


class _Residual(AbstractNorm):
    """u - h L[u] in place of u: not linear, for `generic`, which differentiates through it."""

    norm: AbstractNorm
    problem: AbstractProblem
    t: Scalar
    h: Scalar

    @property
    def scales(self) -> Value:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.norm.scales

    def __call__(self, u: Field, x: Point) -> Float[Array, " q"]:
        def field(x):
            return u(x) - self.h * self.problem.rhs(u, self.t, x).astype(x.dtype)

        return self.norm(field, x)


def _linearised(equation: StepEquation, theta: Theta, t: Scalar, h: Scalar):
    """The derivative of u - h L[u] in the parameters; its values are u - h L[u]."""
    residual = _Residual(equation.problem.norm, equation.problem, t, h)  # pyright: ignore[reportCallIssue]
    parts = equation.template, theta, equation.sample, residual
    if equation.chunk is None or equation.chunk >= len(equation.sample.points):
        return generic(*parts)
    return chunked(generic, *parts, equation.chunk)
