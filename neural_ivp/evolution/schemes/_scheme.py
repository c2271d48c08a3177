"""The interface of one-step schemes: theta at t0 to theta at t1, on the points of one step."""

import abc
import dataclasses
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from ...linear import (
    AbstractLinearisation,
    AbstractVelocitySolver,
    SecondOrder,
    SolverSetup,
    linearise_unknown,
    pad_quantities,
    right_hand_side,
    thinned,
    velocity_problem_at,
    with_boundary_rows,
)
from ...networks import AbstractNetwork, flatten
from ...problems import AbstractProblem
from ...trials import AbstractTrial, BoundaryRows
from ...types import Field, Scalar, Theta, Values, WeightedPoints


class StepEquation(eqx.Module):
    """The equation of the unknown w of a trial at the points of one step, with its linear solver.

    Values have the shape (n, q) of the quantities in the norm of the problem. A linearisation and
    its target have further rows for the conditions in `boundary`, see `BoundaryRows`; `rate` is
    their kappa.
    """

    problem: AbstractProblem
    trial: AbstractTrial
    boundary: BoundaryRows | None
    rate: Scalar
    template: AbstractNetwork
    sample: WeightedPoints
    solver: AbstractVelocitySolver
    key: PRNGKeyArray
    rtol: float
    atol: float
    chunk_size: int | None = eqx.field(static=True)
    prepared: SolverSetup | None = None

    def field(self, theta: Theta, t: Scalar) -> Field:
        """u(t, .) for these parameters."""
        return self.trial.field(flatten(self.template)[1](theta), t)

    def values(self, theta: Theta) -> Values:
        """w at the points."""
        unknown = self.trial.unknown(flatten(self.template)[1](theta))
        return self.problem.norm.on_points(unknown, self.sample.points)

    def size(self, theta: Theta, t: Scalar) -> Scalar:
        """The root mean square of u(t, .); 1 where errors of the unknown are relative."""
        if self.trial.relative:
            return jnp.ones_like(t)
        return self.rms(self.problem.norm.on_points(self.field(theta, t), self.sample.points))

    def velocity_problem(self, theta: Theta, t: Scalar) -> tuple[AbstractLinearisation, Values]:
        """J and w_t at the points."""
        return velocity_problem_at(
            self.problem,
            self.trial,
            self.template,
            theta,
            t,
            self.sample,
            self.chunk_size,
            self.boundary,
            self.rate,
        )

    def row_values(self, theta: Theta, t: Scalar) -> Values:
        """Those whose derivative in theta is J: w, and under it the conditions of `boundary`."""
        values = self.values(theta)
        if self.boundary is None:
            return values
        below = self.boundary.values(flatten(self.template)[1](theta), t)
        return jnp.concatenate([values, pad_quantities(below, values.shape[1])])

    def row_targets(self, theta: Theta, t: Scalar) -> Values:
        """w_t, and under it the target of the rows of `boundary`."""
        network = flatten(self.template)[1](theta)
        parts = self.problem, self.trial, network, t, self.sample, self.chunk_size
        f = right_hand_side(*parts)
        if self.boundary is None:
            return f
        below = self.boundary.target(network, t, self.rate)
        return jnp.concatenate([f, pad_quantities(below, f.shape[1])])

    def with_boundary_rows(
        self, linearisation: AbstractLinearisation, theta: Theta, t: Scalar
    ) -> AbstractLinearisation:
        """A linearisation at the points with the rows of the conditions under it."""
        if self.boundary is None:
            return linearisation
        return with_boundary_rows(linearisation, self.boundary, self.template, theta, t)

    def inner(self, rows: Float[Array, "rows c"]) -> Values:
        """The rows of the points alone."""
        return rows[: len(self.sample.points)]

    def join(
        self, values: Values, rows: Float[Array, "rows c"] | None = None
    ) -> Float[Array, "rows c"]:
        """Values at the points, and at the boundary the last ones of `rows`, or zeros."""
        if self.boundary is None:
            return values
        if rows is None:
            return jnp.pad(values, ((0, len(self.boundary.weights)), (0, 0)))
        return jnp.concatenate([values, rows[len(values) :]])

    def at_chosen_points(self, theta: Theta, t: Scalar) -> "StepEquation":
        """The equation at the points that count most in the least squares, where the linear solver
        is to choose among the points of the sampler; with its setup also for second order."""
        ratio = self.solver.oversampling
        if ratio == 1 and not isinstance(self.solver, SecondOrder):
            return self
        # Every so many, which are as even as all of them.
        points, weights = self.sample.points[::ratio], self.sample.weights[::ratio]
        few = WeightedPoints(points, weights / jnp.sum(weights))
        first = self.with_boundary_rows(self._linearise(theta, few), theta, t)
        prepared = self.solver.setup(first, jnp.zeros_like(theta), self.key)
        if ratio == 1:
            return dataclasses.replace(self, prepared=prepared)
        scores = self.solver.leverage_scores(self._linearise(theta, self.sample), prepared)
        sample = thinned(self.sample, scores, len(points), jax.random.fold_in(self.key, 3))
        return dataclasses.replace(self, sample=sample, prepared=prepared)

    def _linearise(self, theta: Theta, sample: WeightedPoints) -> AbstractLinearisation:
        parts = self.problem, self.trial, self.template, theta, sample, self.chunk_size
        return linearise_unknown(*parts)

    def shortened(self, theta: Theta, t: Scalar) -> Theta:
        """Parameters (theta, w) with the shortest w for this u_t; others as they are."""
        if not isinstance(self.solver, SecondOrder):
            return theta
        assert self.prepared is not None
        linearisation = self.with_boundary_rows(self._linearise(theta, self.sample), theta, t)
        w = self.solver.shortest(linearisation, self.prepared)
        return jnp.concatenate([theta[: w.size], w])

    def setup(self, linearisation: AbstractLinearisation, velocity: Theta) -> SolverSetup:
        """What the linear solves of the step share."""
        if self.prepared is not None:
            return self.prepared
        return self.solver.setup(linearisation, velocity, self.key)

    def rms(self, values: Values) -> Scalar:
        """The weighted root mean square of values at the points."""
        return jnp.sqrt(jnp.sum(self.sample.weights @ values**2))


class StepResult(eqx.Module):
    """The result of one step.

    - `theta`: parameters at t1.
    - `values`: w at the points at t1.
    - `error`: local error estimate in w at the points; None if the scheme has none.
    - `parameter_error`: the same in the parameters; None if the scheme has none.
    - `velocity0`, `velocity1`: dtheta/dt at both ends, for dense output.
    - `velocity`: dtheta/dt at t1, where the next velocity solve starts.
    - `residual_at`: theta, t and dtheta/dt at which the residual on new points is evaluated.
    - `rhs_norm`, `stiffness`, `solved`, `target_finite`: see `StepRecord`.
    - `statistics`: the entries of `StepRecord` on the linear solves.
    """

    theta: Theta
    values: Values
    error: Values | None
    parameter_error: Theta | None
    velocity0: Theta
    velocity1: Theta
    velocity: Theta
    residual_at: tuple[Theta, Scalar, Theta]
    rhs_norm: Scalar
    stiffness: Scalar
    solved: Bool[Array, ""]
    target_finite: Bool[Array, ""]
    statistics: dict[str, Array]


class AbstractScheme(eqx.Module):
    """A one-step scheme for the parameters.

    - `order`: of the global error.
    - `error_order`: of the local error estimate.
    - `has_error`: whether there is a local error estimate, which `AdaptiveStep` needs.
    - `implicit`: whether the scheme is implicit, and so stable for stiff problems.
    """

    implicit: ClassVar[bool]

    @property
    @abc.abstractmethod
    def order(self) -> int: ...

    @property
    @abc.abstractmethod
    def error_order(self) -> int: ...

    @property
    @abc.abstractmethod
    def has_error(self) -> bool: ...

    @abc.abstractmethod
    def advance(
        self, equation: StepEquation, theta: Theta, t0: Scalar, t1: Scalar, velocity: Theta
    ) -> StepResult:
        """One step from t0 to t1; `velocity` is that of the result of the step before."""
