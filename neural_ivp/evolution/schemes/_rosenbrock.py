"""A Rosenbrock scheme in a subspace of the parameters: implicit, without iterations."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve, lu_factor, lu_solve
from jaxtyping import Array, Float

from ...errors import check_count
from ...linear import (
    AbstractLinearisation,
    StructuredLinearisation,
    Subspace,
    root_weights,
)
from ...networks import AbstractNetwork
from ...types import Point, Scalar, Theta, Values
from ._derivative_rows import derivative_rows, velocity_change_rows
from ._scheme import AbstractScheme, StepEquation, StepResult
from ._statistics import SolveStats, step_statistics
from ._tableaus import RODAS_4


class Rodas4(AbstractScheme):
    r"""The Rosenbrock scheme of order 4 with six stages, stiffly accurate and L-stable.

    In the subspace $\theta_0 + B y$ of `LandmarkSubspace` the equation is $y' = g(t, y)$, with g
    the least-squares velocity. Its derivative A at the start of a step is exact in one dimension:
    with $F = \sqrt W J B$, the residual $\rho = \sqrt W f - F y'$ and $H = F^T F + \mu I$,

    $H A = \partial_y (F^T) \rho + F^T \sqrt W \, \partial_y (f - J B y')$ for fixed y' and rho.

    In more dimensions the first term is left out: it would cost more than the steps that it saves.
    Each stage solves a linear system of r equations, factored once a step. Fast modes are damped,
    so that only accuracy limits the step size; there is no iteration that may fail. A step takes
    the time of some three to five explicit ones.

    Source: Hairer & Wanner, "Solving ordinary differential equations II", VI.4; in a subspace of
    the parameters of a network it is our own.

    **Arguments:**

    - `derivatives`: the highest order of the derivatives of u in L[u], to which its own derivative
      is taken by the structure of networks of dense layers. `default_method` finds it. Below the
      order of the equation steps become very short; above it they only cost more.

    **Raises:** `InputError` for a negative order.

    ```python
    stiff = nivp.AdaptiveStep(nivp.Rodas4(), rtol=1e-5, atol=1e-7)
    method = nivp.NeuralIVP(sampler=nivp.ImportanceSampling(500), integrator=stiff,
                            velocity_solver=nivp.LandmarkSubspace(damping=1e-10))
    ```
    """

    derivatives: int = eqx.field(static=True, default=4)
    implicit = True

    def __check_init__(self):
        check_count("derivatives", self.derivatives, minimum=0)

    @property
    def order(self) -> int:
        return 4

    @property
    def error_order(self) -> int:
        return 4

    @property
    def has_error(self) -> bool:
        return True

    def advance(
        self, equation: StepEquation, theta: Theta, t0: Scalar, t1: Scalar, velocity: Theta
    ) -> StepResult:
        dt = t1 - t0
        start, f0 = equation.velocity_problem(theta, t0)
        setup = equation.setup(start, velocity)
        subspace = setup.state
        y0, first = subspace.solve(start, f0)
        jacobian, slope = _derivatives(
            equation, theta, t0, start, f0, y0, subspace, self.derivatives
        )
        tableau = RODAS_4
        a, c, m, alpha, gammas = (jnp.asarray(part, dt.dtype) for part in tableau[1:])
        identity = jnp.eye(len(slope), dtype=dt.dtype)
        factor = lu_factor(identity / (tableau.gamma * dt) - jacobian)

        def stage(us, inputs):
            i, a_row, c_row, node, weight = inputs
            at = theta + subspace.expand(a_row @ us)
            linearisation, f = equation.velocity_problem(at, t0 + node * dt)
            y, solved = subspace.solve(linearisation, f)
            u = lu_solve(factor, y + c_row @ us / dt + weight * dt * slope)
            return us.at[i].set(u), (SolveStats.of(solved), solved.value, linearisation.values, f)

        us = jnp.zeros((len(m), len(slope)), dt.dtype)
        stages = (jnp.arange(len(m)), a, c, alpha, gammas)
        us, (solves, velocities, values, fs) = jax.lax.scan(stage, us, stages)
        theta1, error = theta + subspace.expand(m @ us), subspace.expand(us[-1])
        values1 = equation.values(theta1)
        return StepResult(
            theta=theta1,
            values=values1,
            error=values1 - equation.values(theta1 - error),
            parameter_error=error,
            velocity0=first.value,
            velocity1=velocities[-1],
            velocity=velocities[-1],
            residual_at=(theta, t0, first.value),
            rhs_norm=equation.rms(equation.inner(f0)),
            stiffness=jnp.full_like(dt, jnp.nan),
            solved=jnp.all(jnp.isfinite(fs)) & ~jnp.any(solves.refused),
            # Where u itself is not finite, the right-hand side is not to blame.
            target_finite=jnp.all(jnp.isfinite(fs) | ~jnp.isfinite(values)),
            statistics=step_statistics(solves, setup),
        )


def _derivatives(
    equation: StepEquation,
    theta: Theta,
    t: Scalar,
    start: AbstractLinearisation,
    f: Values,
    y: Float[Array, " r"],
    subspace: Subspace,
    order: int,
) -> tuple[Float[Array, "r r"], Float[Array, " r"]]:
    """The derivatives of g in y and in t at the start of a step, where g is `y`."""
    rows, scale = subspace.rows(start), root_weights(start)
    factor, velocity = subspace.factor(rows), subspace.expand(y)

    def misfit(theta, t):
        change = jax.jvp(lambda theta: equation.row_values(theta, t), (theta,), (velocity,))[1]
        return jnp.ravel(equation.row_targets(theta, t) - change)

    basis = jax.vmap(subspace.expand)(jnp.eye(len(y), dtype=y.dtype))
    misfit_change = jax.linearize(misfit, theta, t)[1]
    changes = _misfit_changes(equation, theta, t, velocity, subspace, order)
    if changes is None:
        still = jnp.zeros_like(t)
        changes = jax.lax.map(lambda b: misfit_change(b, still), basis, batch_size=32).T
    columns = rows.T @ (scale[:, None] * changes)
    if equation.problem.domain.dimension == 1:
        residual = scale * (scale * jnp.ravel(f) - rows @ y)
        columns = columns + _curvature(equation, theta, t, residual, basis)
    slope = rows.T @ (scale * misfit_change(jnp.zeros_like(theta), jnp.ones_like(t)))
    return cho_solve(factor, columns), cho_solve(factor, slope)


def _curvature(
    equation: StepEquation,
    theta: Theta,
    t: Scalar,
    residual: Float[Array, " m"],
    basis: Float[Array, "r p"],
) -> Float[Array, "r r"]:
    """The second derivative in y of the sum of the values times their residuals."""

    def weighted(theta):
        return residual @ jnp.ravel(equation.row_values(theta, t))

    gradient_change = jax.linearize(jax.grad(weighted), theta)[1]
    return jax.lax.map(lambda b: basis @ gradient_change(b), basis, batch_size=32).T


def _misfit_changes(
    equation: StepEquation,
    theta: Theta,
    t: Scalar,
    velocity: Theta,
    subspace: Subspace,
    order: int,
) -> Float[Array, "nq r"] | None:
    """The derivative of f - J v in y for fixed v, by the structure of dense layers; None if the
    landmarks are not so structured, as with rows for conditions at the boundary."""
    landmarks, problem, trial = subspace.landmarks, equation.problem, equation.trial
    if not isinstance(landmarks.rows, StructuredLinearisation):
        return None

    def rate(network: AbstractNetwork, x: Point):
        target = trial.target(problem, network, t)
        return problem.norm(lambda x: target(x).astype(x.dtype), x)

    def unknown(network: AbstractNetwork, x: Point):
        return problem.norm(trial.unknown(network), x)

    template, points = equation.template, equation.sample.points
    changes = derivative_rows(rate, template, theta, points, order)
    moved = velocity_change_rows(unknown, template, theta, velocity, points)
    if changes is None or moved is None:
        return None
    kernels = [part.cross_kernel(landmarks.rows, landmarks.positions) for part in (changes, moved)]
    return (kernels[0] - kernels[1]) @ subspace.mix
