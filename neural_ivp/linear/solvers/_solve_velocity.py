"""`solve_velocity`: setup and solve of one least-squares problem."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ...errors import InputError, check_key, check_kind, check_shape
from ..linearisation import AbstractLinearisation, SecondOrderLinearisation
from ._base import AbstractVelocitySolver, Velocity, projection_residual
from ._second_order import SecondOrder


def solve_velocity(
    solver: AbstractVelocitySolver,
    linearisation: AbstractLinearisation,
    target: ArrayLike,
    *,
    key: PRNGKeyArray,
    initial_velocity: ArrayLike | None = None,
    held_out: tuple[AbstractLinearisation, Array] | None = None,
) -> Velocity:
    r"""Solve $\min_v \overline{|J v - f|^2} + \mu |v|^2$ once; mu is a constant to gradients.

    **Arguments:**

    - `solver`: a velocity solver.
    - `linearisation`: J at n weighted points, as `velocity_problem` returns it.
    - `target`: f at the points, of shape (n, q).
    - `key`: that of the solver's random choices.
    - `initial_velocity`: the start of an iteration, of shape (p,); 0 if not given.
    - `held_out`: (J, f) at other points, for `info.held_out_residual`.

    **Returns:** a `Velocity`, with `value` of shape (p,), `result` and `info`.

    **Raises:** `InputError` for arguments of the wrong kind, shape or dtype.

    ```python
    J, f = nivp.velocity_problem(problem, network, 0.0, points)
    print(nivp.solve_velocity(nivp.RidgeDual(), J, f, key=jax.random.key(0)).info)
    ```
    """
    check_kind("solver", solver, AbstractVelocitySolver)
    check_kind("linearisation", linearisation, AbstractLinearisation)
    target = _real("target", target, linearisation.values, "a row for each point")
    zeros = linearisation.zeros
    start = zeros
    if initial_velocity is not None:
        start = _real("initial_velocity", initial_velocity, zeros, "one per parameter")
    check_key(key)
    moving = isinstance(linearisation, SecondOrderLinearisation)
    solver = SecondOrder(solver) if moving else solver
    setup = solver.setup(linearisation, start, key)
    solution = solver.solve(linearisation, target, start, setup)
    if held_out is None:
        return solution
    other, values = _checked_held_out(linearisation, held_out)
    value = solution.value
    if isinstance(other, SecondOrderLinearisation):
        other, value = other.position, value[other.velocity.size :]
    residual = projection_residual(other, value, values)
    return eqx.tree_at(
        lambda v: v.info.held_out_residual, solution, residual, is_leaf=lambda x: x is None
    )


def _checked_held_out(linearisation: AbstractLinearisation, held_out: Any) -> tuple:
    if not (isinstance(held_out, tuple) and len(held_out) == 2):
        raise InputError("`held_out` must be (J, f), as `velocity_problem` returns them")
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
    """Return `given` as an array of the shape and dtype of `like`; integers are converted."""
    try:
        array = jnp.asarray(given)
    except (TypeError, ValueError) as error:
        raise InputError(f"`{name}` must be an array of {like.dtype}, got {given!r}") from error
    check_shape(f"`{name}`", array.shape, like.shape, fix)
    if not (jnp.issubdtype(array.dtype, jnp.integer) or array.dtype == like.dtype):
        raise InputError(
            f"`{name}` is {array.dtype} and J is {like.dtype}: give both the same dtype"
        )
    return array.astype(like.dtype)
