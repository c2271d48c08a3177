"""The contract of one-step schemes: from theta at t0 to theta at t1, on the points of one step."""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, PRNGKeyArray

from .._types import Scalar, Theta, Values
from ..linear import AbstractLinearisation, AbstractVelocitySolver, Prepared
from ..linear._linearise import on_points
from ..networks import AbstractNetwork, flatten
from ..problems import AbstractProblem
from ..samplers import Sample
from ._tangent import right_hand_side, tangent_at


class StepEquation(eqx.Module):
    """u_t = L[u] as one step sees it: at its points, with its linear solver.

    Values are of shape (n, q), as the norm of the problem sees them; `rtol` and `atol` are the
    tolerances of the step.
    """

    problem: AbstractProblem
    template: AbstractNetwork
    sample: Sample
    solver: AbstractVelocitySolver
    memory: Any
    key: PRNGKeyArray
    rtol: float
    atol: float
    chunk: int | None = eqx.field(static=True)

    def field(self, theta: Theta) -> AbstractNetwork:
        """The network with these parameters."""
        return flatten(self.template)[1](theta)

    def values(self, theta: Theta) -> Values:
        """u at the points."""
        return on_points(self.field(theta), self.sample, self.problem.norm)

    def rhs(self, theta: Theta, t: Scalar) -> Values:
        """L[u] at the points."""
        return right_hand_side(self.problem, self.field(theta), t, self.sample, self.chunk)

    def tangent(self, theta: Theta, t: Scalar) -> tuple[AbstractLinearisation, Values]:
        """J and L[u] at the points."""
        return tangent_at(self.problem, self.template, theta, t, self.sample, self.chunk)

    def prepare(self, here: AbstractLinearisation, target: Values, guess: Theta) -> Prepared:
        """What the linear solves of the step share."""
        return self.solver.prepare(here, target, guess, self.memory, self.key)

    def size(self, values: Values) -> Scalar:
        """The norm of values at the points."""
        return jnp.sqrt(jnp.sum(self.sample.weights @ values**2))


class Advanced(eqx.Module):
    """What a scheme made of one step.

    - `theta`, `start`, `values`: parameters at t1, and u at the points at t0 and at t1.
    - `error`: the local error estimate in u at the points; None if the scheme has none.
    - `parameter_error`: the same in the parameters, where the scheme has that.
    - `velocity0`, `velocity1`: dtheta/dt at both ends, for dense output.
    - `guess`: the velocity at t1, for the next step.
    - `looked`: theta, t and dtheta/dt where the residual on other points is taken.
    - `speed`: norm of L[u] at the start.
    - `stiffness`: estimate of the largest |eigenvalue| of the parameters' equation, 1 / time; nan
      where unknown.
    - `finite`, `target_finite`: whether all went well, and whether all of L[u] did.
    - `solves`: what its linear solves add to the `StepRecord`.
    """

    theta: Theta
    start: Values
    values: Values
    error: Values | None
    parameter_error: Theta | None
    velocity0: Theta
    velocity1: Theta
    guess: Theta
    looked: tuple[Theta, Scalar, Theta]
    speed: Scalar
    stiffness: Scalar
    finite: Bool[Array, ""]
    target_finite: Bool[Array, ""]
    prepared: Prepared
    solves: dict[str, Array]


class AbstractScheme(eqx.Module):
    """A one-step method for the parameters.

    - `order`: of the error after many steps of the same size.
    - `error_order`: the power of the step size with which the estimated local error falls.
    - `has_error`: whether it estimates its local error; without one, steps have a fixed size.
    - `implicit`: whether it is stable for every step size where the equation is.
    """

    @property
    @abc.abstractmethod
    def order(self) -> int: ...

    @property
    def error_order(self) -> int:
        return self.order

    @property
    @abc.abstractmethod
    def has_error(self) -> bool: ...

    @property
    @abc.abstractmethod
    def implicit(self) -> bool: ...

    @abc.abstractmethod
    def advance(
        self, equation: StepEquation, theta: Theta, t0: Scalar, t1: Scalar, guess: Theta
    ) -> Advanced:
        """One step; `guess` is the velocity with which the step before ended."""
