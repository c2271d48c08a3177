"""What every network is: a function of one point, linear in the weights of its last layer.

`flatten` is the bridge to the linear algebra: parameters as one vector theta of length p.
"""

import abc
from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, PRNGKeyArray, PyTree

from ..errors import InputError, check_count
from ..types import Field, Point, Theta, Time, Value


class AbstractNetwork(eqx.Module):
    """A network u_theta: R^d -> R^c whose value is linear in its head.

    The floating-point arrays in `trainable` are its parameters theta; every other array is a
    constant.
    """

    @property
    @abc.abstractmethod
    def trainable(self) -> PyTree:
        """The parameters: arrays or nodes of this module, each of them once."""

    @property
    @abc.abstractmethod
    def head(self) -> PyTree[Array]:
        """Weights of the last layer, biases included: arrays or nodes of this module."""

    @abc.abstractmethod
    def __call__(self, x: Point) -> Value:
        """u at one point of shape (d,); `jax.vmap` it for many."""

    @abc.abstractmethod
    def reinitialised(self, key: PRNGKeyArray) -> "AbstractNetwork":
        """The same architecture with freshly drawn weights, for a restart."""


def with_head(network: AbstractNetwork, head: PyTree[Array]) -> AbstractNetwork:
    """The same network with other weights in its last layer."""
    return eqx.tree_at(lambda net: net.head, network, head)


def partition(network: AbstractNetwork) -> tuple[AbstractNetwork, AbstractNetwork]:
    """The network with its parameters alone and with all but them; `equinox.combine` joins both."""
    nothing = jax.tree.map(lambda _: False, network)
    chosen = jax.tree.map(eqx.is_inexact_array, network.trainable)
    return eqx.partition(network, eqx.tree_at(lambda net: net.trainable, nothing, chosen))


def flatten(network: AbstractNetwork) -> tuple[Theta, Callable[[Theta], AbstractNetwork]]:
    """The parameters as one vector, and the way back: `rebuild(theta)` is the network."""
    parameters, static = partition(network)
    theta, unravel = ravel_pytree(parameters)
    return theta, lambda theta: eqx.combine(unravel(theta), static)


def field_at(network: AbstractNetwork, t: Time) -> Field:
    """u(t, .): what steps, samplers, invariants and solutions see of a network."""
    del t  # u is the network's value itself
    return network


def resolve_dtype(dtype: str | None) -> str:
    """The name of the floating-point type that arrays of `dtype` really get."""
    name = jnp.result_type(float).name if dtype is None else str(jnp.dtype(dtype))
    if name not in ("float32", "float64"):
        raise InputError(f'`dtype` must be "float32" or "float64", got {dtype!r}')
    if name == "float64" and jnp.result_type(float).name != "float64":
        raise InputError(
            '`dtype="float64"` needs jax.config.update("jax_enable_x64", True) before the '
            "first array; JAX is in 32-bit mode"
        )
    return name


def per_entry(name: str, value: int | Sequence[int], count: int, of: str) -> tuple[int, ...]:
    """A size for each of `count` things of a kind: one for all, or a sequence of that length."""
    if not isinstance(value, tuple | list):
        check_count(name, value)
        return (int(value),) * count  # pyright: ignore[reportArgumentType]
    if len(value) != count:
        raise InputError(
            f"`{name}` must be an integer or one per {of}, {count} in all, got {len(value)}"
        )
    for entry in value:
        check_count(name, entry)
    return tuple(int(entry) for entry in value)
