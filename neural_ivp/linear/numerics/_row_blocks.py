"""Products with a few long rows, block by block and in place, in the memory of the rows."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

Rows = Float[Array, "r p"]


def map_row_blocks(
    rows: Rows, block: int, new: Callable[[Int[Array, " b"], Float[Array, "b p"]], Rows]
) -> Rows:
    """Replace the rows, a block at a time, by `new(indices, old_rows)`."""
    size, steps = _even(rows.shape[0], block)

    def one(step, rows):
        # The last block ends with the last row, and skips the rows of the block before.
        start = jnp.minimum(step * size, rows.shape[0] - size)
        index = start + jnp.arange(size)
        old = jax.lax.dynamic_slice_in_dim(rows, start, size)
        replaced = jnp.where((index < step * size)[:, None], old, new(index, old))
        return jax.lax.dynamic_update_slice_in_dim(rows, replaced, start, 0)

    return jax.lax.fori_loop(0, steps, one, rows)


def multiply_rows(matrix: Float[Array, "r r"], rows: Rows, num_blocks: int = 16) -> Rows:
    """Return `matrix @ rows`, computed a block of columns at a time."""
    length = rows.shape[1]
    size, steps = _even(length, -(-length // num_blocks))

    def one(step, rows):
        start = jnp.minimum(step * size, length - size)
        old = jax.lax.dynamic_slice_in_dim(rows, start, size, axis=1)
        done = (start + jnp.arange(size) < step * size)[None]
        product = jnp.where(done, old, matrix @ old)
        return jax.lax.dynamic_update_slice_in_dim(rows, product, start, 1)

    return jax.lax.fori_loop(0, steps, one, rows)


def _even(count: int, block: int) -> tuple[int, int]:
    """Return the size of equal blocks of at most `block`, and how many cover `count`."""
    steps = -(-count // block)
    return -(-count // steps), steps
