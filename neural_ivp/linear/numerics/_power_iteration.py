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
    """The largest eigenvalue of a positive semi-definite operator, from below; 0 if it is 0.

    The damping is relative to it, so a few per cent are enough; `start` should be random.
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
    """Starts of power iterations, and probes of a trace.

    Folded once more, since a key that drew the points too would make signs that follow them.
    """
    return jax.random.rademacher(jax.random.fold_in(key, 1), (4, size), dtype)


def safe_ratio(part: Float[Array, ""], whole: Float[Array, ""]) -> Float[Array, ""]:
    """part / whole, and 0 / 0 = 0: what is met exactly has no residual."""
    met = part == 0
    return jnp.where(met, jnp.zeros_like(part), part / jnp.where(met, jnp.ones_like(whole), whole))
