"""The contract of one-step schemes: from theta at t0 to theta at t1, on the points of one step."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, PRNGKeyArray

from ...linear import (
    AbstractLinearisation,
    AbstractVelocitySolver,
    SolverSetup,
    velocity_problem_at,
)
from ...networks import AbstractNetwork, field_at, flatten
from ...problems import AbstractProblem
from ...types import Field, Scalar, Theta, Values, WeightedPoints


class StepEquation(eqx.Module):
    """u_t = L[u] as one step sees it: at its points, with its linear solver.

    Values are of shape (n, q), as the norm of the problem sees them; `rtol` and `atol` are the
    tolerances of the step.
    """

    problem: AbstractProblem
    template: AbstractNetwork
    sample: WeightedPoints
    solver: AbstractVelocitySolver
    key: PRNGKeyArray
    rtol: float
    atol: float
    chunk_size: int | None = eqx.field(static=True)

    def field(self, theta: Theta, t: Scalar) -> Field:
        """u(t, .) for these parameters."""
        return field_at(flatten(self.template)[1](theta), t)

    def values(self, theta: Theta, t: Scalar) -> Values:
        """u(t, .) at the points."""
        return self.problem.norm.on_points(self.field(theta, t), self.sample.points)

    def velocity_problem(self, theta: Theta, t: Scalar) -> tuple[AbstractLinearisation, Values]:
        """J and L[u] at the points."""
        return velocity_problem_at(
            self.problem, self.template, theta, t, self.sample, self.chunk_size
        )

    def setup(self, linearisation: AbstractLinearisation, velocity: Theta) -> SolverSetup:
        """What the linear solves of the step share."""
        return self.solver.setup(linearisation, velocity, self.key)

    def size(self, values: Values) -> Scalar:
        """The norm of values at the points."""
        return jnp.sqrt(jnp.sum(self.sample.weights @ values**2))


class StepResult(eqx.Module):
    """What a scheme made of one step.

    - `theta`, `start`, `values`: parameters at t1, and u at the points at t0 and at t1.
    - `error`: the local error estimate in u at the points; None if the scheme has none.
    - `parameter_error`: the same in the parameters, where the scheme has that.
    - `velocity0`, `velocity1`: dtheta/dt at both ends, for dense output.
    - `velocity`: that at t1, where the next step starts.
    - `residual_at`: theta, t and dtheta/dt where the residual on other points is taken.
    - `rhs_norm`: norm of L[u] at the start.
    - `stiffness`: estimate of the largest |eigenvalue| of the parameters' equation, 1 / time; nan
      where unknown.
    - `finite`, `target_finite`: whether all went well, and whether all of L[u] did.
    - `statistics`: what its linear solves add to the `StepRecord`.
    """

    theta: Theta
    start: Values
    values: Values
    error: Values | None
    parameter_error: Theta | None
    velocity0: Theta
    velocity1: Theta
    velocity: Theta
    residual_at: tuple[Theta, Scalar, Theta]
    rhs_norm: Scalar
    stiffness: Scalar
    finite: Bool[Array, ""]
    target_finite: Bool[Array, ""]
    statistics: dict[str, Array]


class AbstractScheme(eqx.Module):
    """A one-step method for the parameters.

    - `order`: of the error after many steps of the same size.
    - `error_order`: the power of the step size with which the estimated local error falls.
    - `has_error`: whether it estimates its local error; without one, steps have a constant size.
    - `implicit`: whether it is stable for every step size where the equation is.
    """

    @property
    @abc.abstractmethod
    def order(self) -> int: ...

    @property
    @abc.abstractmethod
    def error_order(self) -> int: ...

    @property
    @abc.abstractmethod
    def has_error(self) -> bool: ...

    @property
    @abc.abstractmethod
    def implicit(self) -> bool: ...

    @abc.abstractmethod
    def advance(
        self, equation: StepEquation, theta: Theta, t0: Scalar, t1: Scalar, velocity: Theta
    ) -> StepResult:
        """One step; `velocity` is that with which the step before ended."""
