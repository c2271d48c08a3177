"""The solver that the sizes ask for."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray

from .._errors import InputError, check_count, check_positive
from .._types import Theta, Values
from ._base import AbstractDamped, AbstractVelocitySolver, Prepared
from ._damping import AbsoluteDamping, Damping, check_damping
from ._least_squares import LeastSquares
from ._linearisation import AbstractLinearisation
from ._nystrom import Nystrom
from ._ridge_cg import RidgeCG
from ._ridge_cholesky import RidgeCholesky
from ._ridge_dual import RidgeDual
from ._ridge_dual_cg import RidgeDualCG
from ._velocity import Velocity

# An exact solve is preferred up to the cost of so many products. Conjugate gradients take a few
# hundred, but the operations of a factorisation run at several times their rate.
ITERATIVE_PRODUCTS = 1_000


class Auto(AbstractDamped):
    """The cheapest exact solver that fits in memory, or conjugate gradients.

    With p parameters, m = n q rows and the dtype, `choice` compares the operations of
    `RidgeCholesky` (p x p), `RidgeDual` (m x m) and, in float32, `LeastSquares` with those of
    1 000 products, and says in a sentence what it took and why: else `RidgeDualCG` in float64
    and `RidgeCG` in float32.

    **Arguments:**

    - `damping`: mu relative to the largest eigenvalue; that of the solver chosen if not given.
    - `memory`: bytes that an exact solver may take.

    **Raises:** `InputError` for a damping or memory that is not positive.
    """

    damping: Damping
    memory: float = eqx.field(static=True)

    def __init__(self, *, damping: float | AbsoluteDamping | None = None, memory: float = 2e9):
        check_damping(damping)
        check_positive("memory", memory)
        self.damping, self.memory = damping, memory

    def choice(self, p: int, rows: int, dtype: Any) -> tuple[AbstractVelocitySolver, str]:
        """The solver for p parameters and m rows, and why.

        **Raises:** `InputError` for a count below one, or a dtype that is not a real float.
        """
        check_count("p", p)
        check_count("rows", rows)
        try:
            real = jnp.issubdtype(jnp.dtype(dtype), jnp.floating)
        except TypeError:
            real = False
        if not real:
            raise InputError(f'`dtype` must be "float64" or "float32", got {dtype!r}')
        double = jnp.dtype(dtype) == jnp.float64
        wide = jnp.dtype(dtype).itemsize
        # Solver, operations, entries held.
        if double:
            exact = [
                (RidgeCholesky(), rows * p**2 + p**3 / 3, rows * p + 2 * p**2),
                (RidgeDual(), 2 * rows * rows * p**0.5 + rows**3 / 3, 3 * rows**2),
            ]
        else:
            exact = [(LeastSquares(), 4 * (rows + p) * p**2, 2 * (rows + p) * p)]
        allowed = [entry for entry in exact if entry[2] * wide <= self.memory]
        solver, operations, entries = min(allowed or exact, key=lambda entry: entry[1])
        dear = operations / (ITERATIVE_PRODUCTS * 4 * rows * p)
        sizes = f"{p} parameters, {rows} rows, {jnp.dtype(dtype)}"
        space = f"{entries * wide / 1e9:.2g} GB of the {self.memory / 1e9:.2g} GB allowed"
        name = type(solver).__name__
        if allowed and dear <= 1:
            return self._with_damping(solver), f"{name} for {sizes}: exact, and takes {space}"
        why = f"cost {dear:.2g} times {ITERATIVE_PRODUCTS} products" if allowed else f"take {space}"
        iterative = RidgeDualCG() if double else RidgeCG(preconditioner=Nystrom(200))
        kind = type(iterative).__name__
        return self._with_damping(iterative), f"{kind} for {sizes}: {name} would {why}"

    def _with_damping(self, solver: AbstractVelocitySolver) -> AbstractVelocitySolver:
        return solver if self.damping is None else solver.damped(self.damping)

    def _chosen(self, linearisation: AbstractLinearisation) -> AbstractVelocitySolver:
        values = linearisation.values
        return self.choice(linearisation.num_parameters, values.size, values.dtype)[0]

    def init(self, linearisation: AbstractLinearisation):
        return self._chosen(linearisation).init(linearisation)

    def prepare(
        self,
        linearisation: AbstractLinearisation,
        target: Values,
        guess: Theta,
        memory,
        key: PRNGKeyArray,
    ) -> Prepared:
        solver = self._chosen(linearisation)
        inner = solver.prepare(linearisation, target, guess, memory, key)
        return Prepared((solver, inner), inner.products, inner.rebuilds)  # for `remember`

    def solve(
        self, linearisation: AbstractLinearisation, target: Values, guess: Theta, prepared: Prepared
    ) -> Velocity:
        # Not the solver prepared: the damping may have been replaced since.
        solver = self._chosen(linearisation)
        return solver.solve(linearisation, target, guess, prepared.content[1])

    def remember(self, prepared: Prepared, iterations: Int[Array, ""], unconverged: Int[Array, ""]):
        solver, inner = prepared.content
        return solver.remember(inner, iterations, unconverged)
