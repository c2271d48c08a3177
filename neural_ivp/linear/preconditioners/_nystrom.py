"""The randomised Nystrom sketch of M."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...errors import check_count
from ...types import Theta
from ..linearisation import AbstractLinearisation
from ..numerics import Rows, map_row_blocks, multiply_rows
from ._base import AbstractGramApproximation, AbstractPreconditioner, DampingOf


class LowRank(AbstractGramApproximation):
    """M approximated by U diag(eigenvalues) U^T.

    - `basis`: U^T.
    - `tail`: the smallest of the eigenvalues, a bound of those outside the sketch.
    """

    basis: Rows
    eigenvalues: Float[Array, " r"]
    tail: Float[Array, ""]
    largest: Float[Array, ""]
    products: Int[Array, ""]

    def inverse(self, damping: Float[Array, ""]) -> Callable[[Theta], Theta]:
        """P = U (Lambda + mu) U^T / (tail + mu) + (I - U U^T), Frangella, Tropp & Udell, 2023,
        equation 1.3."""
        scale = (self.tail + damping) / (self.eigenvalues + damping)

        def apply(v: Theta) -> Theta:
            inside = self.basis @ v
            outside = v - inside @ self.basis
            # Twice, since in float32 the rest of U after one projection outweighs small scales.
            outside = outside - (self.basis @ outside) @ self.basis
            return outside + (scale * inside) @ self.basis

        return apply

    def effective_rank(self, damping: Float[Array, ""]) -> Float[Array, ""]:
        return jnp.sum(self.eigenvalues / (self.eigenvalues + damping))


class Nystrom(AbstractPreconditioner):
    """Randomised Nystrom sketch of M, a preconditioner of `RidgeCG`.

    It takes `rank` products with M, and the memory of p `rank` numbers and the products of a block.
    A small rank underestimates the largest eigenvalue, and with it a relative damping.

    **Arguments:**

    - `rank`: that of the sketch, p at most. Good values: 100 to 300.
    - `block`: products computed at once. Larger blocks take more memory, and are faster where one
      product does not fill the machine.

    **Raises:** `InputError` for a rank or block below one.

    Source: Frangella, Tropp & Udell, "Randomized Nystrom preconditioning", 2023, algorithms
    2.1 and E.2.

    ```python
    solver = nivp.RidgeCG(preconditioner=nivp.Nystrom(200))
    method = nivp.NeuralIVP(sampler=nivp.Uniform(1_000), velocity_solver=solver)
    ```
    """

    rank: int = eqx.field(static=True)
    block: int = eqx.field(static=True, default=8)

    def __check_init__(self):
        check_count("rank", self.rank)
        check_count("block", self.block)

    def build(
        self, linearisation: AbstractLinearisation, damping_of: DampingOf, key: PRNGKeyArray
    ) -> LowRank:
        del damping_of
        zeros = linearisation.zeros
        rank = min(self.rank, zeros.size)
        test = _test_rows(key, rank, zeros)
        product = jax.vmap(linearisation.gram_product)
        empty = jnp.zeros((rank, zeros.size), zeros.dtype)
        sketch = map_row_blocks(empty, self.block, lambda index, _: product(test(index)))
        return jax.lax.stop_gradient(_low_rank(test, sketch, self.block))


# Rows of the test matrix by their indices.
TestRows = Callable[[Int[Array, " b"]], Float[Array, "b p"]]


def _test_rows(key: PRNGKeyArray, rank: int, like: Theta) -> TestRows:
    """Return the function that draws the test rows, random signs, of given indices.

    Each use draws them again, since all of them take as much memory as the sketch. Long ones are
    close to orthogonal (singular values within 1 +- 8^{-1/2}); short ones are made orthonormal.
    """
    p = like.size

    def row(index):
        words = jax.random.bits(jax.random.fold_in(key, index), (-(-p // 32),), jnp.uint32)
        bits = (words[:, None] >> jnp.arange(32, dtype=jnp.uint32)[None]) & 1
        signs = 2 * bits.reshape(-1)[:p].astype(like.dtype) - 1
        return signs / jnp.sqrt(jnp.asarray(p, like.dtype))

    if p >= max(8 * rank, 1_000):
        return jax.vmap(row)
    columns, _ = jnp.linalg.qr(jax.vmap(row)(jnp.arange(rank)).T)
    return lambda index: columns.T[index]


def _low_rank(test: TestRows, sketch: Rows, block: int) -> LowRank:
    """Return the factors from the sketch, M times the test rows, in the memory of the sketch."""
    rank = sketch.shape[0]

    def core(sketch):
        empty = jnp.zeros((rank, rank), sketch.dtype)
        return map_row_blocks(empty, block, lambda index, _: test(index) @ sketch.T)

    # The shift is above the rounding of the core and keeps it positive definite; the source's,
    # which grows with p, would hide small eigenvalues in float32.
    shift = 4 * jnp.finfo(sketch.dtype).eps * jnp.trace(core(sketch))
    zero = shift == 0  # J = 0: any positive shift serves
    shift = jnp.where(zero, jnp.ones_like(shift), shift)
    sketch = map_row_blocks(sketch, block, lambda index, rows: rows + shift * test(index))
    half = multiply_rows(_inverse(_root(core(sketch))), sketch)
    triangle, basis = _orthogonalised(half)
    _, singular, inner = jnp.linalg.svd(triangle)
    basis = multiply_rows(inner, basis)
    eigenvalues = jnp.where(zero, 0, jnp.maximum(singular**2 - shift, 0))
    return LowRank(
        basis=basis,
        eigenvalues=eigenvalues,
        tail=eigenvalues[-1],
        largest=eigenvalues[0],
        products=jnp.asarray(rank, jnp.int32),
    )


def _orthogonalised(rows: Rows) -> tuple[Float[Array, "r r"], Rows]:
    """Return L and Q of rows = L Q, in the memory of the rows, by shifted Cholesky QR.

    The first Gram matrix is shifted above its rounding; two more passes correct the error. Fukaya,
    Kannan, Nakatsukasa, Yamamoto & Yanagisawa, "Shifted Cholesky QR for computing the QR
    factorization of ill-conditioned matrices", 2020.
    """
    gram = rows @ rows.T
    shift = 10 * jnp.finfo(rows.dtype).eps * jnp.trace(gram)
    total = _root(gram + shift * jnp.eye(*gram.shape, dtype=gram.dtype))
    rows = multiply_rows(_inverse(total), rows)
    for _ in range(2):
        root = _root(rows @ rows.T)
        rows, total = multiply_rows(_inverse(root), rows), total @ root
    return total, rows


def _root(gram: Float[Array, "r r"]) -> Float[Array, "r r"]:
    """The Cholesky factor, lower triangular."""
    return jnp.linalg.cholesky((gram + gram.T) / 2)


def _inverse(triangle: Float[Array, "r r"]) -> Float[Array, "r r"]:
    identity = jnp.eye(*triangle.shape, dtype=triangle.dtype)
    return jax.scipy.linalg.solve_triangular(triangle, identity, lower=True)
