"""The randomised Nystrom sketch of M."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from .._errors import InputError, check_count
from .._types import Theta
from ._linearisation import AbstractLinearisation
from ._preconditioner import AbstractFactors, AbstractPreconditioner, DampingOf


class LowRank(AbstractFactors):
    """M approximated by U diag(eigenvalues) U^T; columns beyond the rank found are zero.

    - `tail`: the smallest eigenvalue found, which bounds what the sketch does not see.
    """

    basis: Float[Array, "p r"]
    eigenvalues: Float[Array, " r"]
    tail: Float[Array, ""]
    largest: Float[Array, ""]
    start: Theta
    products: Int[Array, ""]

    def apply(self, v: Theta, damping: Float[Array, ""], power: float) -> Theta:
        """P = U (Lambda + mu) U^T / (tail + mu) + (I - U U^T): what the sketch does not see is
        left unchanged. Frangella, Tropp & Udell, 2023, equation 1.3.
        """
        scale = ((self.eigenvalues + damping) / (self.tail + damping)) ** power
        inside = self.basis.T @ v
        outside = v - self.basis @ inside
        # Twice, since in float32 what is left of U after once outweighs the smallest scales.
        outside = outside - self.basis @ (self.basis.T @ outside)
        return outside + self.basis @ (scale * inside)

    def effective_rank(self, damping: Float[Array, ""]) -> Float[Array, ""]:
        return jnp.sum(self.eigenvalues / (self.eigenvalues + damping))


class Nystrom(AbstractPreconditioner):
    """Randomised Nystrom sketch of M.

    **Arguments:**

    - `rank`: of the sketch (at most p is used), one product with M each. Good values: 100 to
      300.
    - `max_rank`: the rank is doubled up to this until the smallest eigenvalue found is at most
      10 mu, where the preconditioned condition number is a small constant (theorem 5.1 of the
      source); fixed if not given.
    - `block`: products done at once; more are faster and take more memory.

    **Raises:** `InputError` for a rank or block below one, or a `max_rank` below the rank.

    Source: Frangella, Tropp & Udell, "Randomized Nystrom preconditioning", 2023, algorithms
    2.1 and E.2.
    """

    rank: int = eqx.field(static=True)
    max_rank: int | None = eqx.field(static=True, default=None)
    block: int = eqx.field(static=True, default=16)

    def __check_init__(self):
        check_count("rank", self.rank)
        check_count("block", self.block)
        if self.max_rank is not None:
            check_count("max_rank", self.max_rank)
        if self.max_rank is not None and not self.max_rank >= self.rank:
            raise InputError(
                f"`max_rank` must be at least `rank` = {self.rank}, got {self.max_rank!r}"
            )

    def build(
        self, linearisation: AbstractLinearisation, damping_of: DampingOf, key: PRNGKeyArray
    ) -> LowRank:
        zeros = linearisation.zeros
        ranks = self._ranks(zeros.size)
        test = jax.random.normal(key, (zeros.size, ranks[-1]), zeros.dtype)
        test, _ = jnp.linalg.qr(test)  # its first columns are those of a smaller sketch

        def products(start, stop):
            columns = test[:, start:stop].T
            block = min(self.block, stop - start)
            return jax.lax.map(linearisation.gram, columns, batch_size=block).T

        def grown(level, sketch):
            """The sketch of this level, or of the next if its tail does not suffice."""
            found = _low_rank(test[:, : ranks[level]], sketch, ranks[-1])
            if level + 1 == len(ranks):
                return found

            def wider():
                more = products(*ranks[level : level + 2])
                return grown(level + 1, jnp.concatenate([sketch, more], axis=1))

            return jax.lax.cond(found.tail <= 10 * damping_of(found.largest), lambda: found, wider)

        return jax.lax.stop_gradient(grown(0, products(0, ranks[0])))

    def _ranks(self, p: int) -> list[int]:
        """The ranks to try."""
        ranks, last = [min(self.rank, p)], min(self.max_rank or self.rank, p)
        while ranks[-1] < last:
            ranks.append(min(2 * ranks[-1], last))
        return ranks


def _low_rank(test: Float[Array, "p r"], sketch: Float[Array, "p r"], width: int) -> LowRank:
    """Factors from M times an orthonormal test matrix, with zero columns up to `width`."""
    # The shift keeps the small Gram matrix positive definite in this arithmetic.
    p, rank = test.shape
    eps = jnp.finfo(sketch.dtype).eps
    shift = eps * jnp.sqrt(jnp.asarray(p, sketch.dtype)) * jnp.linalg.norm(sketch)
    # Without a direction to see (J = 0), any positive shift will do.
    blind = shift == 0
    shift = jnp.where(blind, jnp.ones_like(shift), shift)
    sketch = sketch + shift * test
    small = test.T @ sketch
    root = jnp.linalg.cholesky((small + small.T) / 2)
    half = jax.scipy.linalg.solve_triangular(root, sketch.T, lower=True).T
    basis, singular, _ = jnp.linalg.svd(half, full_matrices=False)
    eigenvalues = jnp.where(blind, 0, jnp.maximum(singular**2 - shift, 0))
    missing = width - rank
    return LowRank(
        basis=jnp.pad(basis, ((0, 0), (0, missing))),
        eigenvalues=jnp.pad(eigenvalues, (0, missing)),
        tail=eigenvalues[-1],
        largest=eigenvalues[0],
        start=basis[:, 0],
        products=jnp.asarray(rank, jnp.int32),
    )
