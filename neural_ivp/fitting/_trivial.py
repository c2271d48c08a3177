"""Constant targets, which need no fit."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ..networks import AbstractNetwork, Dense, with_head
from ._objective import AbstractObjective, Batch


def constant_fit(
    network: AbstractNetwork,
    objective: AbstractObjective,
    batch: Batch,
    measure: Callable[[AbstractNetwork], float],
) -> AbstractNetwork | None:
    """Return the network with a last layer of biases alone, if that is exact to rounding.

    None where the target varies over the held-out points, or the network cannot be that constant.
    """
    target = np.asarray(batch.target)
    # A spline of constant data has rounding errors.
    if np.any(np.abs(target - target[0]) > 8 * np.finfo(target.dtype).eps * np.abs(target[0])):
        return None
    head, rebuild = ravel_pytree(jax.tree.map(jnp.zeros_like, network.head))
    flat = with_head(network, rebuild(head))
    if np.any(target):
        biases, _ = ravel_pytree(jax.tree.map(_bias_mask, network.head, is_leaf=_is_dense))
        columns = np.flatnonzero(biases)
        x = batch.sample.points[0]

        def value(weights):
            return objective.norm(with_head(network, rebuild(weights)), x)

        rows = np.asarray(jax.jacfwd(value)(head))[:, columns]
        best = np.linalg.lstsq(rows, target[0], rcond=None)[0]
        flat = with_head(network, rebuild(head.at[columns].set(jnp.asarray(best, head.dtype))))
    return flat if measure(flat) <= 8 * jnp.finfo(head.dtype).eps else None


def _is_dense(node) -> bool:
    return isinstance(node, Dense)


def _bias_mask(node):
    """One at every bias of a dense layer, zero at every other weight."""
    if _is_dense(node):
        return Dense(jnp.zeros_like(node.weight), jnp.ones_like(node.bias))
    return jnp.zeros_like(node)
