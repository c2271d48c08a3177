"""The randomised Nystrom sketch of M."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from .._errors import InputError, check_count
from .._types import Theta
from ._linearisation import AbstractLinearisation
from ._long_rows import Rows, combined, fill
from ._preconditioner import AbstractFactors, AbstractPreconditioner, DampingOf


class LowRank(AbstractFactors):
    """M approximated by U diag(eigenvalues) U^T.

    - `basis`: U^T; rows beyond the rank found are zero.
    - `tail`: the smallest eigenvalue found, which bounds what the sketch does not see.
    """

    basis: Rows
    eigenvalues: Float[Array, " r"]
    tail: Float[Array, ""]
    largest: Float[Array, ""]
    start: Theta
    products: Int[Array, ""]

    def power(self, damping: Float[Array, ""], exponent: float) -> Callable[[Theta], Theta]:
        """P = U (Lambda + mu) U^T / (tail + mu) + (I - U U^T): what the sketch does not see is
        left unchanged. Frangella, Tropp & Udell, 2023, equation 1.3.
        """
        scale = ((self.eigenvalues + damping) / (self.tail + damping)) ** exponent

        def apply(v: Theta) -> Theta:
            inside = self.basis @ v
            outside = v - inside @ self.basis
            # Twice, since in float32 what is left of U after once outweighs the smallest scales.
            outside = outside - (self.basis @ outside) @ self.basis
            return outside + (scale * inside) @ self.basis

        return apply

    def effective_rank(self, damping: Float[Array, ""]) -> Float[Array, ""]:
        return jnp.sum(self.eigenvalues / (self.eigenvalues + damping))


class Nystrom(AbstractPreconditioner):
    """Randomised Nystrom sketch of M.

    **Arguments:**

    - `rank`: of the sketch (at most p is used), one product with M each. Good values: 100 to
      300.
    - `max_rank`: the rank is doubled up to this until the smallest eigenvalue found is at most
      10 mu, where the preconditioned condition number is a small constant (theorem 5.1 of the
      source); fixed if not given. Growing takes memory for copies, four times the largest.
    - `block`: products done at once; more take more memory, and are faster where one does not
      fill the machine.

    A sketch of fixed rank is built in place: one array of p times its rank, and the products of a
    block. A rank of ten finds the largest eigenvalue, and with it a relative damping, some per cent
    too small.

    **Raises:** `InputError` for a rank or block below one, or a `max_rank` below the rank.

    Source: Frangella, Tropp & Udell, "Randomized Nystrom preconditioning", 2023, algorithms
    2.1 and E.2.
    """

    rank: int = eqx.field(static=True)
    max_rank: int | None = eqx.field(static=True, default=None)
    block: int = eqx.field(static=True, default=8)

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
        test = _test_rows(key, ranks[-1], zeros)

        def products(start, stop):
            empty = jnp.zeros((stop - start, zeros.size), zeros.dtype)
            gram = jax.vmap(linearisation.gram)
            return fill(empty, self.block, lambda index, _: gram(test(start + index)))

        def grown(level, sketch):
            """The sketch of this level, or of the next if its tail does not suffice."""
            found = _low_rank(test, sketch, ranks[-1], self.block)
            if level + 1 == len(ranks):
                return found

            def wider():
                more = products(*ranks[level : level + 2])
                return grown(level + 1, jnp.concatenate([sketch, more]))

            return jax.lax.cond(found.tail <= 10 * damping_of(found.largest), lambda: found, wider)

        return jax.lax.stop_gradient(grown(0, products(0, ranks[0])))

    def _ranks(self, p: int) -> list[int]:
        """The ranks to try."""
        ranks, last = [min(self.rank, p)], min(self.max_rank or self.rank, p)
        while ranks[-1] < last:
            ranks.append(min(2 * ranks[-1], last))
        return ranks


# Rows of the test matrix by their indices.
TestRows = Callable[[Int[Array, " b"]], Float[Array, "b p"]]


def _test_rows(key: PRNGKeyArray, rank: int, like: Theta) -> TestRows:
    """Random signs: drawn anew for each use, since all of them take as much memory as the sketch.

    So many times longer than they are many, they are close to orthogonal (singular values within
    1 +- 8^{-1/2}, as good as it takes); shorter ones are made orthonormal.
    """
    p = like.size

    def row(index):
        words = jax.random.bits(jax.random.fold_in(key, index), (-(-p // 32),), jnp.uint32)
        coins = (words[:, None] >> jnp.arange(32, dtype=jnp.uint32)[None]) & 1
        signs = 2 * coins.reshape(-1)[:p].astype(like.dtype) - 1
        return signs / jnp.sqrt(jnp.asarray(p, like.dtype))

    if p >= max(8 * rank, 1_000):
        return jax.vmap(row)
    columns, _ = jnp.linalg.qr(jax.vmap(row)(jnp.arange(rank)).T)
    return lambda index: columns.T[index]


def _low_rank(test: TestRows, sketch: Rows, width: int, block: int) -> LowRank:
    """Factors from M times test rows, with zero rows up to `width`; one array of this size."""
    rank = sketch.shape[0]

    def core(sketch):
        empty = jnp.zeros((rank, rank), sketch.dtype)
        return fill(empty, block, lambda index, _: test(index) @ sketch.T)

    # The shift keeps the core positive definite in this arithmetic: its rounding, by its
    # asymmetry, is 0.15 eps times its trace. The source's shift is 100 to 7 000 times larger
    # with 3 000 to 140 000 parameters, and hides in float32 what lies below 1e-3 of the largest.
    shift = 4 * jnp.finfo(sketch.dtype).eps * jnp.trace(core(sketch))
    # Without a direction to see (J = 0), any positive shift will do.
    blind = shift == 0
    shift = jnp.where(blind, jnp.ones_like(shift), shift)
    sketch = fill(sketch, block, lambda index, rows: rows + shift * test(index))
    half = combined(_inverse(_root(core(sketch))), sketch)
    triangle, basis = _orthogonalised(half)
    _, singular, inner = jnp.linalg.svd(triangle)
    basis = combined(inner, basis)
    eigenvalues = jnp.where(blind, 0, jnp.maximum(singular**2 - shift, 0))
    missing = width - rank
    return LowRank(
        basis=jnp.pad(basis, ((0, missing), (0, 0))),
        eigenvalues=jnp.pad(eigenvalues, (0, missing)),
        tail=eigenvalues[-1],
        largest=eigenvalues[0],
        start=basis[0],
        products=jnp.asarray(rank, jnp.int32),
    )


def _orthogonalised(rows: Rows) -> tuple[Float[Array, "r r"], Rows]:
    """L and Q of rows = L Q, in the memory of the rows.

    From Cholesky factors of the Gram matrix: a first one with a shift above its rounding, and
    two more, which mend what the shift and the rounding left. Fukaya, Kannan, Nakatsukasa,
    Yamamoto & Yanagisawa, "Shifted Cholesky QR for computing the QR factorization of
    ill-conditioned matrices", 2020.
    """
    gram = rows @ rows.T
    shift = 10 * jnp.finfo(rows.dtype).eps * jnp.trace(gram)
    total = _root(gram + shift * jnp.eye(*gram.shape, dtype=gram.dtype))
    rows = combined(_inverse(total), rows)
    for _ in range(2):
        root = _root(rows @ rows.T)
        rows, total = combined(_inverse(root), rows), total @ root
    return total, rows


def _root(gram: Float[Array, "r r"]) -> Float[Array, "r r"]:
    """The Cholesky factor, lower triangular."""
    return jnp.linalg.cholesky((gram + gram.T) / 2)


def _inverse(triangle: Float[Array, "r r"]) -> Float[Array, "r r"]:
    one = jnp.eye(*triangle.shape, dtype=triangle.dtype)
    return jax.scipy.linalg.solve_triangular(triangle, one, lower=True)
