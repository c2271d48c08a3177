"""The networks that can be the state of a problem of second order in time."""

import jax

from ..errors import InputError
from ..networks import AbstractNetwork, WithVelocity, flatten
from ..problems import AbstractProblem, AbstractSecondOrderProblem


def check_state(problem: AbstractProblem, network: AbstractNetwork) -> None:
    """Raise `InputError` for a network of u alone where the state is (u, u_t)."""
    if not isinstance(problem, AbstractSecondOrderProblem) or isinstance(network, WithVelocity):
        return
    c, dtype = problem.components // 2, flatten(network)[0].dtype
    x = jax.ShapeDtypeStruct((problem.domain.dimension,), dtype)
    if jax.eval_shape(network, x).shape == (c,):
        raise InputError(
            f"`network` has {c} component(s), those of u alone, and the state of a problem of "
            "second order in time is (u, u_t): wrap it as `WithVelocity(network)`, or call "
            "`solve`, which does"
        )
