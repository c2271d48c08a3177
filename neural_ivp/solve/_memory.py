"""Memory of a step, predicted before it is taken."""

import jax
import jax.numpy as jnp

from ..errors import check_kind
from ..evolution import (
    MOST_DIRECTIONS,
    NeuralIVP,
    State,
    check_network,
    compiled_init,
    compiled_step,
    init,
    is_adaptive,
    sized,
    with_velocity,
)
from ..linear import RidgeDual
from ..memory import check_memory, excess, memory_of
from ..networks import AbstractNetwork, flatten
from ..problems import AbstractProblem
from ..types import Time


def step_memory(problem: AbstractProblem, network: AbstractNetwork, method: NeuralIVP) -> int:
    """Bytes of memory that a time step takes at its peak, on each device; no step is taken.

    The step is compiled and the compiler asked, on a CPU for about half a minute; `solve` then does
    not compile it again. `solve` compares the same number with the memory of the device before its
    first step, and before its fit where `method` states its sizes.

    **Arguments:**

    - `problem`, `network`, `method`: those of the solve. Of a method whose rank is chosen on the
      way, the memory is that of the largest rank.

    **Returns:** bytes. Within an iteration LAPACK may take more than that for a moment, of the size
    of one factorised matrix.

    **Raises:** `InputError` for another kind of argument, or if not even the points of a step fit
    into the memory.

    ```python
    bytes_needed = nivp.step_memory(problem, network, method)
    print(bytes_needed / 1e9, "GB")
    ```
    """
    check_kind("problem", problem, AbstractProblem)
    check_kind("method", method, NeuralIVP)
    network = with_velocity(problem, network)
    check_network(problem, network)
    if is_adaptive(method):
        method = sized(method, min(MOST_DIRECTIONS, flatten(network)[0].size))
    parts = problem, network, method
    zero, one = jnp.asarray(0.0), jnp.asarray(1.0)
    key = jax.random.key(0)  # on which the memory does not depend
    needed = memory_of(compiled_init, *parts, zero, one, zero, key)
    check_memory(needed, "drawing the points of a step", _remedy(network, method))
    return memory_of(compiled_step, *parts, init(*parts, zero, one, key, start=zero), one)


def check_step_memory(
    problem: AbstractProblem, network: AbstractNetwork, method: NeuralIVP
) -> None:
    """**Raises:** `InputError` for a method of stated sizes whose steps do not fit."""
    if not is_adaptive(method) and method.growth is None:
        needed = step_memory(problem, network, method)
        check_memory(needed, "a step", _remedy(network, method))


def memory_excess(problem, network, method: NeuralIVP, state: State, stop: Time) -> str:
    """A sentence if the next step does not fit into the memory of the device; empty if it does."""
    needed = memory_of(compiled_step, problem, network, method, state, jnp.asarray(stop))
    return excess(needed, "a step", _remedy(network, method))


def _remedy(network: AbstractNetwork, method: NeuralIVP) -> str:
    """What takes less memory, with the present sizes."""
    chunks = "a" if method.chunk_size is None else f"a smaller (now {method.chunk_size})"
    dual = isinstance(method.velocity_solver, RidgeDual)
    # Its matrix has a row for each value at a point, the other's one for each parameter.
    other = "`RidgeCholesky`, " if dual else ""
    return (
        f"take fewer than {method.sampler.num_points} points (`sampler`), {chunks} `chunk_size` of "
        f"the method, fewer than {flatten(network)[0].size} parameters, {other}a "
        '`LandmarkSubspace` of smaller rank, or more devices (a mesh with an axis "points")'
    )
