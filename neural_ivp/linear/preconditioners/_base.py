"""The contract of preconditioners: approximate inverses of M + mu I; and the identity."""

import abc
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...types import Theta
from ..linearisation import AbstractLinearisation
from ..numerics import power_iteration

# mu for the largest eigenvalue of M.
DampingOf = Callable[[Float[Array, ""]], Float[Array, ""]]


class AbstractBuiltPreconditioner(eqx.Module):
    """What a preconditioner has built, and may keep for the stages of a step.

    - `products`: products with M that were spent on it.
    """

    products: eqx.AbstractVar[Int[Array, ""]]

    @abc.abstractmethod
    def updated(self, linearisation: AbstractLinearisation) -> "AbstractFactors":
        """The same for J at a theta near by and the same points."""


class AbstractFactors(AbstractBuiltPreconditioner):
    """What is known of M; it serves any damping.

    - `largest`: largest eigenvalue of M.
    """

    largest: eqx.AbstractVar[Float[Array, ""]]

    def updated(self, linearisation: AbstractLinearisation) -> "AbstractFactors":
        del linearisation
        return self

    @abc.abstractmethod
    def inverse(self, damping: Float[Array, ""]) -> Callable[[Theta], Theta]:
        """v -> P^-1 v with P approximating M + mu I up to a factor."""

    @abc.abstractmethod
    def effective_rank(self, damping: Float[Array, ""]) -> Float[Array, ""] | None:
        """The sum of lambda / (lambda + mu) over the eigenvalues found; None if none were."""


class AbstractPreconditioner(eqx.Module):
    """Approximates M."""

    @abc.abstractmethod
    def build(
        self, linearisation: AbstractLinearisation, damping_of: DampingOf, key: PRNGKeyArray
    ) -> AbstractBuiltPreconditioner:
        """Approximate M = J^T W J well enough for the damping that will be asked for."""


class _Identity(AbstractFactors):
    """Nothing but the largest eigenvalue."""

    largest: Float[Array, ""]
    products: Int[Array, ""]

    def inverse(self, damping: Float[Array, ""]) -> Callable[[Theta], Theta]:
        return lambda v: v

    def effective_rank(self, damping: Float[Array, ""]) -> None:
        return None


class NoPreconditioner(AbstractPreconditioner):
    """Plain iterations; the largest eigenvalue comes from a power iteration.

    ```python
    solver = nivp.RidgeCG(preconditioner=nivp.linear.NoPreconditioner())
    print(solver.preconditioner)
    ```
    """

    def build(
        self, linearisation: AbstractLinearisation, damping_of: DampingOf, key: PRNGKeyArray
    ) -> _Identity:
        start = jax.random.normal(key, linearisation.zeros.shape, linearisation.zeros.dtype)
        largest = power_iteration(linearisation.gram_product, start, 12)
        return _Identity(largest, jnp.asarray(12, jnp.int32))
