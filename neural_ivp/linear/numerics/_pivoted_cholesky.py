"""A low-rank factor of a positive semi-definite matrix from some of its columns."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float, Int, PRNGKeyArray


def pivoted_cholesky(
    columns: Callable[[Int[Array, " b"]], Float[Array, "m b"]],
    diagonal: Float[Array, " m"],
    rank: int,
    block: int,
    key: PRNGKeyArray,
) -> tuple[Float[Array, "m rank"], Int[Array, " rank"]]:
    r"""Return F with $F F^T \approx K$, exact in the columns that were drawn, and their indices.

    Pivots are drawn a block at a time with probability proportional to the diagonal of the
    residual K - F F^T. The error is close to that of the best approximation of a smaller rank.

    **Arguments:**

    - `columns`: the function that returns the columns of K of given indices.
    - `diagonal`: that of K.
    - `rank`, `block`: numbers of columns, m at most; `rank` is a multiple of `block`.

    Source: Chen, Epperly, Tropp & Webber, "Randomly pivoted Cholesky", 2023, algorithm 4.
    """
    m, dtype = diagonal.size, diagonal.dtype
    # A residual below this share of the trace is rounding.
    noise = 10 * jnp.finfo(dtype).eps * jnp.sum(diagonal)

    def grow(k, carry):
        factor, drawn, residual = carry
        logits = jnp.log(jnp.maximum(residual, jnp.finfo(dtype).tiny))
        noise_key = jax.random.fold_in(key, k)
        _, pivots = jax.lax.top_k(logits + jax.random.gumbel(noise_key, (m,), dtype), block)
        new_columns = columns(pivots) - factor @ factor[pivots].T
        core = new_columns[pivots]
        core = (core + core.T) / 2 + noise * jnp.eye(block, dtype=dtype)
        new = solve_triangular(jnp.linalg.cholesky(core), new_columns.T, lower=True).T
        exhausted = jnp.sum(residual) <= m * noise
        new = jnp.where(exhausted, jnp.zeros_like(new), new)
        factor = jax.lax.dynamic_update_slice(factor, new, (0, k * block))
        drawn = jax.lax.dynamic_update_slice(drawn, pivots, (k * block,))
        return factor, drawn, jnp.maximum(residual - jnp.sum(new**2, axis=1), 0)

    start = (jnp.zeros((m, rank), dtype), jnp.zeros(rank, jnp.int32), diagonal)
    return jax.lax.fori_loop(0, rank // block, grow, start)[:2]
