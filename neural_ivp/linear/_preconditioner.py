"""Approximate inverses of M + mu I for conjugate gradients."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Float, PRNGKeyArray

from .._errors import check_count
from ._linearisation import AbstractLinearisation
from ._linearise import power_iteration


class LowRank(eqx.Module):
    """M approximated by U diag(eigenvalues) U^T, and its largest eigenvalue."""

    basis: Float[Array, "p r"]
    eigenvalues: Float[Array, " r"]
    largest: Float[Array, ""]

    def inverse(self, damping: Float[Array, ""]) -> lx.AbstractLinearOperator:
        """The inverse of U (Lambda + mu) U^T + (lambda_r + mu)(I - U U^T), times lambda_r + mu.

        That scale leaves what the sketch does not see unchanged. Frangella, Tropp & Udell,
        "Randomized Nystrom preconditioning", 2023, equation 1.3.
        """
        structure = jax.ShapeDtypeStruct(self.basis.shape[:1], self.basis.dtype)
        if self.basis.shape[1] == 0:
            return lx.IdentityLinearOperator(structure)
        scale = (self.eigenvalues[-1] + damping) / (self.eigenvalues + damping)

        def product(r):
            inside = self.basis.T @ r
            return r + self.basis @ (scale * inside - inside)

        return lx.FunctionLinearOperator(product, structure, lx.positive_semidefinite_tag)


class AbstractPreconditioner(eqx.Module):
    """Builds a low-rank approximation of M from products with it."""

    @property
    @abc.abstractmethod
    def num_products(self) -> int:
        """Products with M that `build` spends."""

    @abc.abstractmethod
    def build(self, linearisation: AbstractLinearisation, key: PRNGKeyArray) -> LowRank:
        """Approximate M = J^T W J."""


class NoPreconditioner(AbstractPreconditioner):
    """Plain conjugate gradients; the largest eigenvalue comes from power iteration."""

    @property
    def num_products(self) -> int:
        return 12

    def build(self, linearisation: AbstractLinearisation, key: PRNGKeyArray) -> LowRank:
        zeros = linearisation.zeros
        start = jax.random.normal(key, zeros.shape, zeros.dtype)
        largest = power_iteration(linearisation.gram, start, self.num_products)
        return LowRank(jnp.zeros((zeros.size, 0), zeros.dtype), jnp.zeros(0, zeros.dtype), largest)


class Nystrom(AbstractPreconditioner):
    """Randomised Nystrom sketch of M from `rank` products.

    **Arguments:**

    - `rank`: of the sketch (at most p is used). Good values: 100 to 300.
    - `block`: products done at once; more are faster and take more memory.

    **Raises:** `InputError` for a rank or block below one.

    Source: Frangella, Tropp & Udell, 2023, algorithm 2.1.
    """

    rank: int = eqx.field(static=True)
    block: int = eqx.field(static=True, default=16)

    def __check_init__(self):
        check_count("rank", self.rank)
        check_count("block", self.block)

    @property
    def num_products(self) -> int:
        return self.rank

    def build(self, linearisation: AbstractLinearisation, key: PRNGKeyArray) -> LowRank:
        zeros = linearisation.zeros
        rank = min(self.rank, zeros.size)
        test = jax.random.normal(key, (zeros.size, rank), zeros.dtype)
        test, _ = jnp.linalg.qr(test)
        sketch = jax.lax.map(linearisation.gram, test.T, batch_size=min(self.block, rank)).T
        # The shift keeps the small Gram matrix positive definite in this arithmetic.
        eps = jnp.finfo(zeros.dtype).eps
        shift = eps * jnp.sqrt(jnp.asarray(zeros.size, zeros.dtype)) * jnp.linalg.norm(sketch)
        sketch = sketch + shift * test
        small = test.T @ sketch
        factor = jnp.linalg.cholesky((small + small.T) / 2)
        half = jax.scipy.linalg.solve_triangular(factor, sketch.T, lower=True).T
        basis, singular, _ = jnp.linalg.svd(half, full_matrices=False)
        eigenvalues = jnp.maximum(singular**2 - shift, 0)
        return LowRank(basis, eigenvalues, eigenvalues[0])
