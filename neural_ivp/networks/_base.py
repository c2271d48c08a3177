"""What every network is: a function of one point, linear in the weights of its last layer.

`flatten` is the bridge to the linear algebra: parameters as one vector theta of length p.
"""

import abc
from collections.abc import Callable

import equinox as eqx
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, PRNGKeyArray, PyTree

from .._types import Point, Theta, Value


class AbstractNetwork(eqx.Module):
    """A network u_theta: R^d -> R^c whose value is linear in its head.

    Every floating-point array in the module is a parameter; constants are static.
    """

    @property
    @abc.abstractmethod
    def head(self) -> PyTree[Array]:
        """Weights of the last layer, biases included: arrays or nodes of this module."""

    @abc.abstractmethod
    def __call__(self, x: Point) -> Value:
        """u at one point of shape (d,); `jax.vmap` it for many."""

    @abc.abstractmethod
    def redrawn(self, key: PRNGKeyArray) -> "AbstractNetwork":
        """The same architecture with freshly drawn weights, for a restart."""


def with_head(network: AbstractNetwork, head: PyTree[Array]) -> AbstractNetwork:
    """The same network with other weights in its last layer."""
    return eqx.tree_at(lambda net: net.head, network, head)


def flatten(network: AbstractNetwork) -> tuple[Theta, Callable[[Theta], AbstractNetwork]]:
    """The parameters as one vector, and the way back: `rebuild(theta)` is the network."""
    parameters, static = eqx.partition(network, eqx.is_inexact_array)
    theta, unravel = ravel_pytree(parameters)
    return theta, lambda theta: eqx.combine(unravel(theta), static)
