"""The contract of velocity solvers: prepare once a step, solve once a stage."""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Int, PRNGKeyArray

from .._errors import InputError, check_key, check_kind, check_shape
from .._types import Theta, Values
from ._damping import Damping
from ._linearisation import AbstractLinearisation
from ._velocity import Velocity, projection_residual


class Prepared(eqx.Module):
    """What the stages of a step share.

    - `content`: the solver's own.
    - `products`: multiplications by M that it took.
    - `rebuilds`: preconditioners that were built.
    """

    content: Any
    products: Int[Array, ""]
    rebuilds: Int[Array, ""]

    def __init__(
        self,
        content: Any,
        products: int | Int[Array, ""] = 0,
        rebuilds: int | Int[Array, ""] = 0,
    ):
        self.content = content
        self.products = jnp.asarray(products, jnp.int32)
        self.rebuilds = jnp.asarray(rebuilds, jnp.int32)


class AbstractVelocitySolver(eqx.Module):
    """Solves min_v mean |J v - f|^2 + mu |v|^2.

    A march calls `init` once, then for each step `prepare`, `solve` for each stage and
    `remember`, whose memory the next `prepare` gets. `solve_velocity` is all of it for one
    problem.
    """

    def init(self, linearisation: AbstractLinearisation) -> Any:
        """The memory before the first step; None for a solver that has none."""
        del linearisation
        return None

    @abc.abstractmethod
    def prepare(
        self,
        linearisation: AbstractLinearisation,
        target: Values,
        guess: Theta,
        memory: Any,
        key: PRNGKeyArray,
    ) -> Prepared:
        """What all stages of a step share: random choices, a preconditioner, a damping."""

    @abc.abstractmethod
    def solve(
        self, linearisation: AbstractLinearisation, target: Values, guess: Theta, prepared: Prepared
    ) -> Velocity:
        """The velocity for the target f; `guess` is where an iteration starts."""

    def remember(
        self, prepared: Prepared, iterations: Int[Array, ""], unconverged: Int[Array, ""]
    ) -> Any:
        """The memory after a step whose solves took so many `iterations` in all, and of which
        so many did not reach their tolerance."""
        del prepared, iterations, unconverged
        return None

    @abc.abstractmethod
    def damped(self, damping: Damping) -> "AbstractVelocitySolver":
        """The same solver with another relative damping, which may be traced."""


class AbstractDamped(AbstractVelocitySolver):
    """A solver that holds its damping itself."""

    damping: eqx.AbstractVar[Damping]

    def damped(self, damping: Damping) -> "AbstractDamped":
        return eqx.tree_at(lambda s: s.damping, self, damping, is_leaf=lambda x: x is None)


def _checked_held_out(linearisation: AbstractLinearisation, held_out: Any) -> tuple:
    if not (isinstance(held_out, tuple) and len(held_out) == 2):
        raise InputError("`held_out` must be (J, f), as `tangent_problem` returns them")
    other, values = held_out
    check_kind("held_out[0]", other, AbstractLinearisation)
    values = _real("held_out[1]", values, other.values, "a row for each point")
    if other.num_parameters != linearisation.num_parameters:
        raise InputError(
            f"`held_out` is of a network with {other.num_parameters} parameters, `linearisation` "
            f"of one with {linearisation.num_parameters}: take both of the same"
        )
    return other, values


def _real(name: str, given: ArrayLike, like: Array, fix: str) -> Array:
    """`given` as an array of the shape and dtype of `like`; whole numbers are converted."""
    try:
        array = jnp.asarray(given)
    except (TypeError, ValueError) as error:
        raise InputError(f"`{name}` must be an array of {like.dtype}, got {given!r}") from error
    check_shape(f"`{name}`", array.shape, like.shape, fix)
    whole = jnp.issubdtype(array.dtype, jnp.integer)
    if not (whole or array.dtype == like.dtype):
        raise InputError(
            f"`{name}` is {array.dtype} and J is {like.dtype}: give both the same dtype"
        )
    return array.astype(like.dtype)


def solve_velocity(
    solver: AbstractVelocitySolver,
    linearisation: AbstractLinearisation,
    target: ArrayLike,
    *,
    key: PRNGKeyArray,
    guess: ArrayLike | None = None,
    held_out: tuple[AbstractLinearisation, Array] | None = None,
) -> Velocity:
    r"""Solve $\min_v \overline{|J v - f|^2} + \mu |v|^2$ once.

    **Arguments:**

    - `solver`: how.
    - `linearisation`, `target`: J and f at weighted points, as `tangent_problem` makes them.
    - `key`: of the solver's random choices.
    - `guess`: where an iteration starts; 0 if not given.
    - `held_out`: J and f at other points, for `info.held_out_residual`.

    The damping is a constant to a gradient through it, also where it is relative to M.

    **Raises:** `InputError` for arguments of the wrong kind, shape or dtype.
    """
    check_kind("solver", solver, AbstractVelocitySolver)
    check_kind("linearisation", linearisation, AbstractLinearisation)
    target = _real("target", target, linearisation.values, "a row for each point")
    zeros = linearisation.zeros
    guess = zeros if guess is None else _real("guess", guess, zeros, "one per parameter")
    check_key(key)
    memory = solver.init(linearisation)
    prepared = solver.prepare(linearisation, target, guess, memory, key)
    velocity = solver.solve(linearisation, target, guess, prepared)
    if held_out is None:
        return velocity
    other, values = _checked_held_out(linearisation, held_out)
    residual = projection_residual(other, velocity.value, values)
    return eqx.tree_at(
        lambda v: v.info.held_out_residual, velocity, residual, is_leaf=lambda x: x is None
    )
