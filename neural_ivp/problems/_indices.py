"""Indices that an array does not have, in the functions of a user."""

import jax
import jax.core
import jax.numpy as jnp

from ..errors import InputError
from ._base import AbstractProblem


def check_indices(problem: AbstractProblem, rate: str = "rhs") -> None:
    """Raise `InputError` for an index that x or u does not have, in `initial` or the function
    `rate`, of which `problem.rhs` is made.

    JAX takes the last entry instead, so that x[1] on a line would be x[0] without a word. Nothing
    is checked inside of a transformation, where there are no numbers.
    """
    from jax.experimental import checkify  # takes long to import

    x = jnp.asarray(problem.domain.low_discrepancy_points(1)[0], float)
    for name, function in (
        ("initial", problem.initial),
        (rate, lambda x: problem.rhs(problem.initial, jnp.zeros((), x.dtype), x)),
    ):
        checked = checkify.checkify(function, errors=checkify.index_checks)
        try:
            # The values are not computed, only what the indices need.
            error = jax.jit(lambda x, checked=checked: checked(x)[0])(x)
        except (ValueError, NotImplementedError):
            # Raised by checkify alone, since `check_problem` has traced the same functions: it
            # fails on some operations, such as additions to an empty slice. The problem is good
            # then, and only its indices are not checked.
            continue
        if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(error)):
            continue
        if message := error.get():
            found = message.partition(".")[0].replace("indexing", "index")
            raise InputError(f"`{name}` has an {found}")
