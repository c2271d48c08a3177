"""J of a network some of whose parameters have a prescribed velocity."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int

from ...calculus import AbstractInnerProduct
from ...networks import AbstractNetwork, held_mask, partition
from ...types import Theta, Values, WeightedPoints, Weights
from ._base import AbstractLinearisation
from ._stacked import DenseLinearisation


class DrivenLinearisation(AbstractLinearisation):
    r"""The least squares for the free entries of $d\theta/dt$; the others are given.

    - `whole`: J in all parameters.
    - `unknowns`: J in the free ones.
    - `drive`: the velocity, zero at the free entries, shape (p,).
    - `free`: the indices of the free entries.
    """

    whole: AbstractLinearisation
    unknowns: DenseLinearisation
    drive: Theta
    free: Int[Array, " s"]

    @property
    def values(self) -> Values:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.whole.values

    @property
    def weights(self) -> Weights:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.whole.weights

    @property
    def num_parameters(self) -> int:
        return self.whole.num_parameters

    def push(self, v: Theta) -> Values:
        return self.whole.push(v)

    def pull(self, w: Values) -> Theta:
        return self.whole.pull(w)

    def jacobian(self, indices: Int[Array, " s"] | None = None) -> Float[Array, "n q s"]:
        return self.whole.jacobian(indices)

    def astype(self, dtype: Any) -> "DrivenLinearisation":
        columns = self.unknowns.astype(dtype)
        parts = self.whole.astype(dtype), columns, self.drive.astype(dtype), self.free
        return DrivenLinearisation(*parts)  # pyright: ignore[reportCallIssue]

    def at(self, points: Int[Array, " k"]) -> "DrivenLinearisation":
        parts = self.whole.at(points), self.unknowns.at(points), self.drive, self.free
        return DrivenLinearisation(*parts)  # pyright: ignore[reportCallIssue]

    def kernel_diagonal(self) -> Float[Array, " nq"]:
        return self.whole.kernel_diagonal()


def linearise_driven(
    whole: AbstractLinearisation,
    network: AbstractNetwork,
    sample: WeightedPoints,
    norm: AbstractInnerProduct,
    drive: Theta,
) -> DrivenLinearisation:
    """J of a network, `whole`, with the velocity `drive` of its parameters `held`."""
    parameters, static = partition(network)
    mask = jax.tree.map(lambda leaf: True, parameters)
    mask = eqx.tree_at(lambda net: net.held, mask, replace_fn=lambda leaf: False)
    moved, held = eqx.partition(parameters, mask)
    start, unravel = ravel_pytree(moved)

    def rows(x):
        # Only of the free parameters: those of the frame are many, and dear.
        return jax.jacrev(lambda v: norm(eqx.combine(unravel(v), held, static), x))(start)

    columns = DenseLinearisation(whole.values, sample.weights, jax.vmap(rows)(sample.points))
    free = jnp.asarray(np.flatnonzero(~held_mask(network)))
    return DrivenLinearisation(whole, columns, drive, free)  # pyright: ignore[reportCallIssue]
