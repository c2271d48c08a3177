"""Approximate inverses of M + mu I for the iterative solvers, and those that need no sketch."""

import abc
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from .._types import Theta
from ._linearisation import AbstractLinearisation
from ._linearise import leading_pair

# mu for the largest eigenvalue of M.
DampingOf = Callable[[Float[Array, ""]], Float[Array, ""]]


class AbstractKept(eqx.Module):
    """What a preconditioner has built, and may keep.

    - `products`: products with M that were spent on it.
    """

    products: eqx.AbstractVar[Int[Array, ""]]

    @abc.abstractmethod
    def at(self, linearisation: AbstractLinearisation) -> "AbstractFactors":
        """For J at a theta near by and the same points."""


class AbstractFactors(AbstractKept):
    """What is known of M; it serves any damping.

    - `largest`: largest eigenvalue of M.
    - `start`: close to its eigenvector; None for what does not outlive a step.
    """

    largest: eqx.AbstractVar[Float[Array, ""]]
    start: eqx.AbstractVar[Theta | None]

    def at(self, linearisation: AbstractLinearisation) -> "AbstractFactors":
        del linearisation
        return self

    @abc.abstractmethod
    def power(self, damping: Float[Array, ""], exponent: float) -> Callable[[Theta], Theta]:
        """v -> P^exponent v with P approximating M + mu I up to a factor; -1 or -1/2."""

    @abc.abstractmethod
    def effective_rank(self, damping: Float[Array, ""]) -> Float[Array, ""] | None:
        """The sum of lambda / (lambda + mu) over the eigenvalues found; None if none were."""


class AbstractPreconditioner(eqx.Module):
    """Approximates M."""

    @property
    def lasts(self) -> bool:
        """Whether what it builds may serve at other points, those of later steps."""
        return True

    @abc.abstractmethod
    def build(
        self, linearisation: AbstractLinearisation, damping_of: DampingOf, key: PRNGKeyArray
    ) -> AbstractKept:
        """Approximate M = J^T W J well enough for the damping that will be asked for."""


class Diagonal(AbstractFactors):
    """The diagonal of M (ones for no preconditioner)."""

    largest: Float[Array, ""]
    start: Theta
    products: Int[Array, ""]
    diagonal: Float[Array, " p"] | None = None

    def power(self, damping: Float[Array, ""], exponent: float) -> Callable[[Theta], Theta]:
        if self.diagonal is None:
            return lambda v: v
        scale = (self.diagonal + damping) ** exponent
        return lambda v: scale * v

    def effective_rank(self, damping: Float[Array, ""]) -> None:
        return None


def _leading(linearisation: AbstractLinearisation, key: PRNGKeyArray, num_products: int = 12):
    """The largest eigenvalue of M and a vector close to its eigenvector."""
    zeros = linearisation.zeros
    start = jax.random.normal(key, zeros.shape, zeros.dtype)
    return leading_pair(linearisation.gram, start, num_products)


class NoPreconditioner(AbstractPreconditioner):
    """Plain iterations; the largest eigenvalue comes from a power iteration."""

    def build(
        self, linearisation: AbstractLinearisation, damping_of: DampingOf, key: PRNGKeyArray
    ) -> Diagonal:
        largest, vector = _leading(linearisation, key)
        return Diagonal(largest, vector, jnp.asarray(12, jnp.int32))


class Jacobi(AbstractPreconditioner):
    """The diagonal of M + mu I: for the price of one product, and worth little more where the
    parameters have like units, as those of a network do."""

    def build(
        self, linearisation: AbstractLinearisation, damping_of: DampingOf, key: PRNGKeyArray
    ) -> Diagonal:
        largest, vector = _leading(linearisation, key)
        return Diagonal(largest, vector, jnp.asarray(13, jnp.int32), linearisation.diagonal())
