"""`linearise`: J at given points, by the network's structure where it has one."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._errors import check_count, check_kind, check_shape
from .._types import Field, Theta, Values
from ..networks import AbstractNetwork
from ..problems import L2, AbstractNorm
from ..samplers import Sample
from ._chunked import chunked
from ._generic import generic
from ._linearisation import AbstractLinearisation
from ._structured import structured


def linearise(
    template: AbstractNetwork,
    theta: Theta,
    sample: Sample,
    norm: AbstractNorm | None = None,
    *,
    chunk: int | None = None,
) -> AbstractLinearisation:
    """Linearise the network with parameters `theta` at the points of `sample`.

    `template` gives the architecture; its own parameters are not used. `norm` is `L2` with
    scales of one if not given. With `chunk`, so many points are linearised at a time, anew for
    each product: memory is that of a chunk, and a product costs two to three times as much.

    **Raises:** `InputError` for an argument of another kind, or a theta of another size.
    """
    check_kind("template", template, AbstractNetwork)
    check_kind("sample", sample, Sample)
    leaves = filter(eqx.is_inexact_array, jax.tree.leaves(template))
    wanted = (sum(leaf.size for leaf in leaves),)
    check_shape("`theta`", jnp.shape(theta), wanted, "take the first of `flatten(network)`")
    if norm is None:
        norm = L2((1.0,) * jax.eval_shape(template, sample.points[0]).shape[0])
    if chunk is not None:
        check_count("chunk", chunk)
    if chunk is not None and chunk < len(sample.points):
        return chunked(whole, template, theta, sample, norm, chunk)
    return whole(template, theta, sample, norm)


def whole(
    template: AbstractNetwork, theta: Theta, sample: Sample, norm: AbstractNorm
) -> AbstractLinearisation:
    """Linearise at all points at once."""
    found = structured(template, theta, sample, norm)
    return generic(template, theta, sample, norm) if found is None else found


def on_points(field: Field, sample: Sample, norm: AbstractNorm) -> Values:
    """A field at the points of a sample, as the norm sees it."""
    return jax.vmap(lambda x: norm(field, x))(sample.points)


def power_iteration(
    product: Callable[[Theta], Theta], start: Theta, num_products: int = 12
) -> Float[Array, ""]:
    """Largest eigenvalue of a positive semi-definite operator, from below.

    The damping is relative to it, so a few per cent are enough; `start` should be random.
    """
    return leading_pair(product, start, num_products)[0]


def leading_pair(
    product: Callable[[Theta], Theta], start: Theta, num_products: int = 12
) -> tuple[Float[Array, ""], Theta]:
    """`power_iteration`, and the unit vector it ends with; 0 and 0 for the operator 0."""

    def body(carry, _):
        v, _ = carry
        w = product(v)
        largest = jnp.linalg.norm(w)
        return (w / jnp.where(largest == 0, jnp.ones_like(largest), largest), largest), None

    first = start / jnp.linalg.norm(start)
    (v, largest), _ = jax.lax.scan(body, (first, jnp.zeros((), start.dtype)), length=num_products)
    return largest, v
