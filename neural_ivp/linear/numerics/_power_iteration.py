"""The largest eigenvalue of a positive semi-definite operator, and a quotient without 0 / 0."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray


def power_iteration(
    product: Callable[[Float[Array, " m"]], Float[Array, " m"]],
    start: Float[Array, " m"],
    num_products: int = 12,
) -> Float[Array, ""]:
    """Return a lower estimate of the largest eigenvalue of a positive semi-definite operator.

    `start` should be random. A few per cent of accuracy suffice for a relative damping.
    """

    def body(carry, _):
        v, _ = carry
        w = product(v)
        largest = jnp.linalg.norm(w)
        return (w / jnp.where(largest == 0, jnp.ones_like(largest), largest), largest), None

    first = start / jnp.linalg.norm(start)
    (_, largest), _ = jax.lax.scan(body, (first, jnp.zeros((), start.dtype)), length=num_products)
    return largest


def random_signs(key: PRNGKeyArray, size: int, dtype) -> Float[Array, "4 m"]:
    """Return four random vectors: starts of power iterations, and probes of a trace."""
    # The key is folded, since the points may have been drawn with it.
    return jax.random.rademacher(jax.random.fold_in(key, 1), (4, size), dtype)


def safe_ratio(part: Float[Array, ""], whole: Float[Array, ""]) -> Float[Array, ""]:
    """Return part / whole, and 0 where `part` is 0."""
    zero = part == 0
    return jnp.where(
        zero, jnp.zeros_like(part), part / jnp.where(zero, jnp.ones_like(whole), whole)
    )
