"""The contract of a network: a function of one point, linear in the weights of its last layer."""

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, PRNGKeyArray, PyTree

from ..display import AbstractDisplayed, count, settings
from ..errors import InputError, check_count
from ..types import Point, Theta, Value

# The largest number of parameters of a network: 2 GiB in float64.
MOST_PARAMETERS = 2**28


class AbstractNetwork(AbstractDisplayed, eqx.Module):
    """A network u_theta: R^d -> R^c whose value is linear in its head.

    Its parameters theta are the floating-point arrays in `trainable`; other arrays are constants.
    """

    @property
    @abc.abstractmethod
    def trainable(self) -> PyTree:
        """The parameters: arrays or nodes of this module, each of them once."""

    @property
    @abc.abstractmethod
    def head(self) -> PyTree:
        """Weights of the last layer, biases included: arrays or nodes of this module."""

    # Names of the faces at which, whatever the parameters, the normal derivative is zero, and of
    # those at which the value is: fields or properties of the networks that have any.
    even_at: ClassVar[tuple[str, ...]] = ()
    zero_at: ClassVar[tuple[str, ...]] = ()

    # Whether the value is the logarithm of u.
    log_density: ClassVar[bool] = False

    @property
    def held(self) -> PyTree:
        """Parameters that the least squares do not move: nodes of `trainable`."""
        return ()

    @abc.abstractmethod
    def __call__(self, x: Point) -> Value:
        """u at one point of shape (d,), shape (c,)."""

    def _summary(self) -> tuple[str, Mapping[str, str]]:
        leaves = [leaf for leaf in jax.tree.leaves(self.trainable) if eqx.is_inexact_array(leaf)]
        kinds = "".join(f" of {kind}" for kind in sorted({str(leaf.dtype) for leaf in leaves}))
        number = count(sum(leaf.size for leaf in leaves))
        title = f"{type(self).__name__} with {number} parameters{kinds}"
        return title, settings(self, leave_out=("dtype",))

    @abc.abstractmethod
    def reinitialised(self, key: PRNGKeyArray) -> "AbstractNetwork":
        """The same architecture with new random weights, for a restart."""


def with_head(network: AbstractNetwork, head: PyTree[Array]) -> AbstractNetwork:
    """The network with the weights `head` in its last layer."""
    return eqx.tree_at(lambda net: net.head, network, head)


def partition(network: AbstractNetwork) -> tuple[AbstractNetwork, AbstractNetwork]:
    """The parameters alone and the rest, as two networks that `equinox.combine` joins."""
    no_leaf = jax.tree.map(lambda _: False, network)
    parameters = jax.tree.map(eqx.is_inexact_array, network.trainable)
    return eqx.partition(network, eqx.tree_at(lambda net: net.trainable, no_leaf, parameters))


def flatten(network: AbstractNetwork) -> tuple[Theta, Callable[[Theta], AbstractNetwork]]:
    """The parameters as a vector theta of shape (p,), and `rebuild(theta)`, which inverts this."""
    parameters, static = partition(network)
    theta, unravel = ravel_pytree(parameters)
    return theta, lambda theta: eqx.combine(unravel(theta), static)


def held_mask(network: AbstractNetwork) -> np.ndarray:
    """True at the entries of theta that the least squares do not move, shape (p,)."""
    parameters, _ = partition(network)
    free = jax.tree.map(lambda leaf: np.zeros(leaf.shape, bool), parameters)
    marked = eqx.tree_at(lambda net: net.held, free, replace_fn=np.ones_like)
    leaves = [np.ravel(leaf) for leaf in jax.tree.leaves(marked)]
    return np.concatenate(leaves) if leaves else np.zeros(0, bool)


def check_num_parameters(number: int, arguments: Mapping[str, Any]) -> None:
    """Raise `InputError` for more parameters of a network than `MOST_PARAMETERS`; `arguments` are
    those that make it so large."""
    if number > MOST_PARAMETERS:
        sizes = ", ".join(f"`{name}` = {value}" for name, value in arguments.items())
        raise InputError(
            f"{sizes} make a network of {number:.3g} parameters, {8 * number / 2**30:.3g} GiB in "
            f"float64: at most {MOST_PARAMETERS} are possible; make it smaller"
        )


def resolve_dtype(dtype: str | None) -> str:
    """The name of the floating-point type of the arrays that JAX makes for `dtype`."""
    try:
        name = jnp.result_type(float).name if dtype is None else str(jnp.dtype(dtype))
    except TypeError:  # not the name of a dtype
        name = ""
    if name not in ("float32", "float64"):
        raise InputError(f'`dtype` must be "float32" or "float64", got {dtype!r}')
    if name == "float64" and jnp.result_type(float).name != "float64":
        raise InputError(
            '`dtype="float64"` needs jax.config.update("jax_enable_x64", True) before the '
            "first array; JAX is in 32-bit mode"
        )
    return name


def per_entry(name: str, value: int | Sequence[int], count: int, of: str) -> tuple[int, ...]:
    """The argument `name` as `count` integers: one for all, or a sequence of one per `of`."""
    entries = value if isinstance(value, tuple | list) else (value,) * count
    if len(entries) != count:
        raise InputError(
            f"`{name}` must be an integer or one per {of}, {count} in all, got {len(entries)}"
        )
    for entry in entries:
        check_count(name, entry)
    return tuple(int(entry) for entry in entries)  # pyright: ignore[reportArgumentType]
