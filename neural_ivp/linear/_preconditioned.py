"""When the preconditioner of an iterative solver is built anew."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from .._errors import InputError
from .._types import Theta, Values
from ._base import AbstractDamped, Prepared
from ._damping import absolute
from ._linearisation import AbstractLinearisation
from ._preconditioner import AbstractFactors, AbstractKept, AbstractPreconditioner
from ._velocity import Spectrum

NEVER = 2**30  # more products than any build is worth


class Memory(eqx.Module):
    """A preconditioner carried from step to step.

    - `baseline`: iterations of the best step since it was built.
    - `excess`: iterations beyond those, summed over the steps since.
    """

    factors: AbstractFactors
    baseline: Int[Array, ""]
    excess: Int[Array, ""]


def check_rebuild(rebuild: Any, preconditioner: AbstractPreconditioner) -> None:
    """**Raises:** `InputError` for a word that is none of the three, or asks for too much."""
    if rebuild not in ("needed", "step", "solve"):
        raise InputError(f'`rebuild` must be "needed", "step" or "solve", got {rebuild!r}')
    if rebuild == "needed" and not preconditioner.lasts:
        raise InputError(
            f'`rebuild` = "needed" keeps a preconditioner from step to step, and '
            f'{type(preconditioner).__name__} is bound to the points of one: use "step"'
        )


class AbstractPreconditioned(AbstractDamped):
    """An iterative solver with a preconditioner that is reused.

    With "needed", it is built anew for the next step once the iterations beyond those of its best
    step would have paid for it (the ski-rental rule), or after a solve that did not reach its
    tolerance.
    """

    preconditioner: eqx.AbstractVar[AbstractPreconditioner]
    rebuild: eqx.AbstractVar[str]

    def multiplied(self, linearisation: AbstractLinearisation) -> AbstractLinearisation:
        """J as this solver multiplies it."""
        return linearisation

    def _build(self, linearisation: AbstractLinearisation, key: PRNGKeyArray) -> AbstractKept:
        def damping_of(largest):
            return absolute(self.damping, largest)

        factors = self.preconditioner.build(self.multiplied(linearisation), damping_of, key)
        return jax.lax.stop_gradient(factors)

    def init(self, linearisation: AbstractLinearisation) -> Memory | None:
        if self.rebuild != "needed":
            return None
        shapes = eqx.filter_eval_shape(self._build, linearisation, jax.random.key(0))
        empty = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)
        zero = jnp.zeros((), jnp.int32)
        return Memory(empty, zero, zero + NEVER)

    def prepare(
        self,
        linearisation: AbstractLinearisation,
        target: Values,
        guess: Theta,
        memory: Memory | None,
        key: PRNGKeyArray,
    ) -> Prepared:
        if self.rebuild == "solve":
            return Prepared(key)
        if memory is None:
            factors = self._build(linearisation, key)
            return Prepared(factors, factors.products, 1)

        def anew():
            factors = self._build(linearisation, key)
            assert isinstance(factors, AbstractFactors)  # as those that last are
            zero = jnp.zeros((), jnp.int32)
            return Memory(factors, zero + NEVER, zero), factors.products

        def again():
            start = memory.factors.start
            assert start is not None
            image = self.multiplied(linearisation).gram(start)
            largest = jax.lax.stop_gradient(jnp.linalg.norm(image))
            return eqx.tree_at(lambda m: m.factors.largest, memory, largest), jnp.ones(
                (), jnp.int32
            )

        due = memory.excess >= memory.factors.products
        kept, products = jax.lax.cond(due, anew, again)
        return Prepared(kept, products, due.astype(jnp.int32))

    def factors(
        self, linearisation: AbstractLinearisation, prepared: Prepared
    ) -> tuple[AbstractFactors, int | Int[Array, ""]]:
        """The preconditioner of one solve, and the products it took."""
        J = self.multiplied(linearisation)
        if self.rebuild == "solve":
            factors = self._build(linearisation, prepared.content).at(J)
            return factors, factors.products
        content = prepared.content
        kept = content.factors if isinstance(content, Memory) else content
        now = kept.at(J)
        return now, now.products - kept.products

    def remember(
        self, prepared: Prepared, iterations: Int[Array, ""], unconverged: Int[Array, ""]
    ) -> Memory | None:
        if self.rebuild != "needed":
            return None
        old = prepared.content
        baseline = jnp.minimum(old.baseline, iterations)
        excess = old.excess + jnp.maximum(iterations - old.baseline, 0)
        # A fresh one that did not suffice would not be better for being built again.
        failed = (unconverged > 0) & (prepared.rebuilds == 0)
        excess = jnp.where(failed, NEVER, excess)
        return Memory(old.factors, baseline.astype(jnp.int32), excess.astype(jnp.int32))


def known(factors: AbstractFactors, damping: Float[Array, ""]) -> Spectrum:
    """What an iterative solver knows: its condition number is an upper bound."""
    largest = factors.largest
    return Spectrum(
        damping, largest, factors.effective_rank(damping), (largest + damping) / damping
    )
