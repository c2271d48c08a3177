"""The choice of a velocity solver by the sizes of J."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from ...errors import InputError, check_count, check_positive
from ...types import Theta, Values
from ..linearisation import AbstractLinearisation
from ..numerics import Damping, DampingLike, check_damping
from ..preconditioners import Nystrom
from ._base import AbstractDampedSolver, AbstractVelocitySolver, SolverSetup, Velocity
from ._least_squares import LeastSquares
from ._random_subset import RandomSubset
from ._ridge_cg import RidgeCG
from ._ridge_cholesky import RidgeCholesky
from ._ridge_dual import RidgeDual
from ._ridge_dual_cg import RidgeDualCG

# An exact solve is preferred up to the cost of so many products: more than conjugate gradients
# take, since the operations of a factorisation run at a higher rate.
ITERATIVE_PRODUCTS = 1_000
MEMORY = 2e9


def choose_velocity_solver(
    p: int, rows: int, dtype: Any, *, subset: int | None = None, memory: float = MEMORY
) -> tuple[AbstractVelocitySolver, str]:
    """Return the solver for p parameters and m = n q rows of J, and the reason in a sentence.

    The exact solver of the fewest operations, of `RidgeCholesky` (p x p) and `RidgeDual` (m x m) in
    float64 and `LeastSquares` in float32, unless it exceeds `memory` or the operations of 1 000
    products; then `RidgeDualCG` in float64 and `RidgeCG` in float32.

    **Arguments:**

    - `p`, `rows`: the numbers of parameters and rows, at least 1.
    - `dtype`: that of J, "float64" or "float32".
    - `subset`: size of the random subset of the parameters that moves; all of them if not given.
    - `memory`: bytes that an exact solver may take.

    **Raises:** `InputError` for a count below one, or a dtype that is not a real float.

    ```python
    solver, why = nivp.linear.choose_velocity_solver(2_000, 500, "float64")
    print(why)
    ```
    """
    check_count("p", p)
    check_count("rows", rows)
    if subset is not None:
        solver, why = choose_velocity_solver(min(p, subset), rows, dtype, memory=memory)
        return RandomSubset(solver, subset), f"random subsets of {subset} parameters; {why}"
    double = _is_double(dtype)
    itemsize = jnp.dtype(dtype).itemsize
    # Solver, operations, numbers in memory. In float32 the normal equations lose singular values.
    if double:
        exact = [
            (RidgeCholesky(), rows * p**2 + p**3 / 3, rows * p + 2 * p**2),
            (RidgeDual(), 2 * rows * rows * p**0.5 + rows**3 / 3, 3 * rows**2),
        ]
    else:
        small = min(rows, p)
        exact = [(LeastSquares(), 4 * (rows + p) * small**2, 2 * (rows + p) * small)]
    allowed = [entry for entry in exact if entry[2] * itemsize <= memory]
    solver, operations, entries = min(allowed or exact, key=lambda entry: entry[1])
    cost = operations / (ITERATIVE_PRODUCTS * 4 * rows * p)
    sizes = f"{p} parameters, {rows} rows, {jnp.dtype(dtype)}"
    space = f"{entries * itemsize / 1e9:.2g} GB of the {memory / 1e9:.2g} GB allowed"
    name = type(solver).__name__
    if allowed and cost <= 1:
        return solver, f"{name} for {sizes}: exact, and takes {space}"
    why = f"cost {cost:.2g} times {ITERATIVE_PRODUCTS} products" if allowed else f"take {space}"
    iterative = RidgeDualCG() if double else RidgeCG(preconditioner=Nystrom(200))
    return iterative, f"{type(iterative).__name__} for {sizes}: {name} would {why}"


def _is_double(dtype: Any) -> bool:
    try:
        real = jnp.issubdtype(jnp.dtype(dtype), jnp.floating)
    except TypeError:
        real = False
    if not real:
        raise InputError(f'`dtype` must be "float64" or "float32", got {dtype!r}')
    return jnp.dtype(dtype) == jnp.float64


class AutoVelocitySolver(AbstractDampedSolver):
    """The solver that `neural_ivp.linear.choose_velocity_solver` returns for J.

    **Arguments:**

    - `damping`: mu relative to the largest eigenvalue of M, or a `Damping`; the default of the
      chosen solver if not given.
    - `memory`: bytes that an exact solver may take.

    **Raises:** `InputError` for a damping or memory that is not positive.

    ```python
    solver = nivp.AutoVelocitySolver(damping=1e-8)
    method = nivp.NeuralIVP(sampler=nivp.Uniform(1_000), velocity_solver=solver)
    ```
    """

    damping: DampingLike
    memory: float = eqx.field(static=True)

    def __init__(self, *, damping: float | Damping | None = None, memory: float = MEMORY):
        check_damping(damping)
        check_positive("memory", memory)
        self.damping, self.memory = damping, memory

    def _chosen(self, linearisation: AbstractLinearisation) -> AbstractVelocitySolver:
        p, values = linearisation.num_parameters, linearisation.values
        solver, _ = choose_velocity_solver(p, values.size, values.dtype, memory=self.memory)
        return solver if self.damping is None else solver.with_damping(self.damping)

    def setup(
        self, linearisation: AbstractLinearisation, velocity: Theta, key: PRNGKeyArray
    ) -> SolverSetup:
        return self._chosen(linearisation).setup(linearisation, velocity, key)

    def solve(
        self,
        linearisation: AbstractLinearisation,
        target: Values,
        velocity: Theta,
        setup: SolverSetup,
    ) -> Velocity:
        return self._chosen(linearisation).solve(linearisation, target, velocity, setup)
