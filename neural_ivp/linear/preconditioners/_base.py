"""The contract of preconditioners, approximate inverses of M + mu I; and the identity."""

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
    """A preconditioner built at one theta, which the stages of a step may share.

    - `products`: products with M that it took.
    """

    products: eqx.AbstractVar[Int[Array, ""]]

    @abc.abstractmethod
    def updated(self, linearisation: AbstractLinearisation) -> "AbstractGramApproximation":
        """Return the approximation of M for J at the same points and slightly other parameters."""


class AbstractGramApproximation(AbstractBuiltPreconditioner):
    """An approximation of M, for any damping.

    - `largest`: largest eigenvalue of M.
    """

    largest: eqx.AbstractVar[Float[Array, ""]]

    def updated(self, linearisation: AbstractLinearisation) -> "AbstractGramApproximation":
        del linearisation
        return self

    @abc.abstractmethod
    def inverse(self, damping: Float[Array, ""]) -> Callable[[Theta], Theta]:
        """v -> P^-1 v with P proportional to an approximation of M + mu I."""

    @abc.abstractmethod
    def effective_rank(self, damping: Float[Array, ""]) -> Float[Array, ""] | None:
        """The sum of lambda / (lambda + mu) over the known eigenvalues; None if there are none."""


class AbstractPreconditioner(eqx.Module):
    """Builds approximations of M = J^T W J."""

    @abc.abstractmethod
    def build(
        self, linearisation: AbstractLinearisation, damping_of: DampingOf, key: PRNGKeyArray
    ) -> AbstractBuiltPreconditioner:
        """Approximate M well enough for the damping that `damping_of` returns."""


class _Identity(AbstractGramApproximation):
    """The identity as P, and the largest eigenvalue of M."""

    largest: Float[Array, ""]
    products: Int[Array, ""]

    def inverse(self, damping: Float[Array, ""]) -> Callable[[Theta], Theta]:
        return lambda v: v

    def effective_rank(self, damping: Float[Array, ""]) -> None:
        return None


class NoPreconditioner(AbstractPreconditioner):
    """No preconditioner; a power iteration estimates the largest eigenvalue of M."""

    def build(
        self, linearisation: AbstractLinearisation, damping_of: DampingOf, key: PRNGKeyArray
    ) -> _Identity:
        start = jax.random.normal(key, linearisation.zeros.shape, linearisation.zeros.dtype)
        largest = power_iteration(linearisation.gram_product, start, 12)
        return _Identity(largest, jnp.asarray(12, jnp.int32))
