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
    r"""F with $F F^T \approx K$, exact in the columns that were drawn, and which those are.

    Pivots are drawn a block at a time with probability proportional to the diagonal of what is
    left, K - F F^T. That is close to the best approximation of a somewhat smaller rank.

    **Arguments:**

    - `columns`: those of K of given indices.
    - `diagonal`: of K.
    - `rank`, `block`: a multiple of the block, which is at most m; the rank is at most m.

    Source: Chen, Epperly, Tropp & Webber, "Randomly pivoted Cholesky", 2023, algorithm 4.
    """
    m, dtype = diagonal.size, diagonal.dtype
    # Below this share of the trace, what is left is rounding.
    noise = 10 * jnp.finfo(dtype).eps * jnp.sum(diagonal)

    def grow(k, carry):
        factor, chosen, left = carry
        logits = jnp.log(jnp.maximum(left, jnp.finfo(dtype).tiny))
        noise_key = jax.random.fold_in(key, k)
        _, pivots = jax.lax.top_k(logits + jax.random.gumbel(noise_key, (m,), dtype), block)
        rest = columns(pivots) - factor @ factor[pivots].T
        core = rest[pivots]
        core = (core + core.T) / 2 + noise * jnp.eye(block, dtype=dtype)
        new = solve_triangular(jnp.linalg.cholesky(core), rest.T, lower=True).T
        exhausted = jnp.sum(left) <= m * noise
        new = jnp.where(exhausted, jnp.zeros_like(new), new)
        factor = jax.lax.dynamic_update_slice(factor, new, (0, k * block))
        chosen = jax.lax.dynamic_update_slice(chosen, pivots, (k * block,))
        return factor, chosen, jnp.maximum(left - jnp.sum(new**2, axis=1), 0)

    start = (jnp.zeros((m, rank), dtype), jnp.zeros(rank, jnp.int32), diagonal)
    return jax.lax.fori_loop(0, rank // block, grow, start)[:2]
