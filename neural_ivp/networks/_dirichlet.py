"""Zero boundary values by construction."""

import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray, PyTree

from .._errors import InputError
from .._types import Point, Value
from ..domains import AbstractDomain
from ._base import AbstractNetwork


class HardDirichlet(AbstractNetwork):
    r"""Any network times $\prod_i (1 - \xi_i^2)$, which vanishes on the boundary of the box.

    **Arguments:**

    - `inner`: the network to wrap.
    - `domain`: a domain with a boundary; xi are its reference coordinates in [-1, 1]^d.

    **Raises:** `InputError` on a torus, which has no boundary.
    """

    inner: AbstractNetwork
    domain: AbstractDomain

    def __check_init__(self):
        if self.domain.periods is not None:
            raise InputError("`HardDirichlet` needs a domain with a boundary, got a torus")

    @property
    def head(self) -> PyTree[Array]:
        return self.inner.head

    def redrawn(self, key: PRNGKeyArray) -> "HardDirichlet":
        return HardDirichlet(self.inner.redrawn(key), self.domain)

    def __call__(self, x: Point) -> Value:
        return jnp.prod(1 - self.domain.reference(x) ** 2) * self.inner(x)
