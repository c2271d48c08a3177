"""`linearise`: J at given points, by the network's structure where possible."""

import jax
import jax.numpy as jnp

from ...calculus import L2, AbstractInnerProduct
from ...devices import over_devices
from ...errors import check_count, check_kind, check_shape
from ...networks import AbstractNetwork, flatten
from ...types import Theta, WeightedPoints
from ._base import AbstractLinearisation
from ._chunked import linearise_in_chunks
from ._generic import linearise_generic
from ._structured import linearise_structured


def linearise(
    template: AbstractNetwork,
    theta: Theta,
    sample: WeightedPoints,
    norm: AbstractInnerProduct | None = None,
    *,
    chunk_size: int | None = None,
) -> AbstractLinearisation:
    """Linearise the network with parameters `theta` at the points of `sample`.

    **Arguments:**

    - `template`: the architecture; its own parameters are not used.
    - `theta`: parameters, of shape (p,).
    - `sample`: points (n, d) and weights (n,).
    - `norm`: `L2` with scales of one if not given.
    - `chunk_size`: points linearised at a time, again for each product, which takes less memory
      and more time; all of them if not given.

    **Raises:** `InputError` for an argument of another kind, or a theta of another size.
    """
    check_kind("template", template, AbstractNetwork)
    check_kind("sample", sample, WeightedPoints)
    expected = jax.eval_shape(lambda: flatten(template)[0]).shape
    check_shape("`theta`", jnp.shape(theta), expected, "take the first of `flatten(network)`")
    if norm is None:
        norm = L2((1.0,) * jax.eval_shape(template, sample.points[0]).shape[0])
    if chunk_size is not None:
        check_count("chunk_size", chunk_size)
        if chunk_size < len(sample.points):
            return linearise_in_chunks(_whole, template, theta, sample, norm, chunk_size)
    return _whole(template, theta, sample, norm)


def _whole(
    template: AbstractNetwork, theta: Theta, sample: WeightedPoints, norm: AbstractInnerProduct
) -> AbstractLinearisation:
    """Linearise at all points at once."""
    sample = over_devices(sample)
    structured = linearise_structured(template, theta, sample, norm)
    return linearise_generic(template, theta, sample, norm) if structured is None else structured
