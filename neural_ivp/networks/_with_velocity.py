"""A network and its rate of change, for problems of second order in time."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray, PyTree

from ..types import Point, Theta, Value
from ._base import AbstractNetwork, flatten


class WithVelocity(AbstractNetwork):
    r"""u and its rate: $(N_\theta(x), \partial_\theta N_\theta(x) \, w)$ with $w = d\theta/dt$.

    The parameters are $(\theta, w)$. Along a solution u_t is the derivative of u exactly.

    **Arguments:**

    - `inner`: the network N of u, of c components and p parameters. w is zero at first.

    **Returns:** called with a point of shape (d,), (u, u_t) of shape (2 c,).

    ```python
    inner = nivp.SinusoidalMLP(nivp.Torus((1.0,)), 1, key=jax.random.key(0))
    u, v = nivp.WithVelocity(inner)(jnp.zeros(1))  # v = 0
    ```
    """

    inner: AbstractNetwork
    velocity: Theta

    def __init__(self, inner: AbstractNetwork):
        self.inner, self.velocity = inner, jnp.zeros_like(flatten(inner)[0])

    def moving(self, velocity: Theta) -> "WithVelocity":
        """The network with another w, of shape (p,)."""
        return eqx.tree_at(lambda network: network.velocity, self, velocity)

    @property
    def trainable(self) -> PyTree:
        inner = self.inner.trainable
        return (*inner, self.velocity) if isinstance(inner, tuple) else (inner, self.velocity)

    @property
    def head(self) -> PyTree:
        return self.inner.head

    @property
    def even_at(self) -> tuple[str, ...]:
        return self.inner.even_at

    @property
    def zero_at(self) -> tuple[str, ...]:
        return self.inner.zero_at

    def reinitialised(self, key: PRNGKeyArray) -> "WithVelocity":
        return WithVelocity(self.inner.reinitialised(key))

    def __call__(self, x: Point) -> Value:
        theta, rebuild = flatten(self.inner)
        parts = jax.jvp(lambda theta: rebuild(theta)(x), (theta,), (self.velocity,))
        return jnp.concatenate(parts)
