"""J of any network, by forward and reverse differentiation."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ...calculus import AbstractInnerProduct
from ...networks import AbstractNetwork, flatten
from ...types import Points, Theta, Values, WeightedPoints, Weights
from ._base import AbstractLinearisation


class GenericLinearisation(AbstractLinearisation):
    """J by `jax.linearize`, and J^T by its transpose."""

    template: AbstractNetwork
    theta: Theta
    points: Points
    values: Values
    weights: Weights
    norm: AbstractInnerProduct
    push_function: Callable[[Theta], Values]

    @property
    def num_parameters(self) -> int:
        return self.theta.size

    def push(self, v: Theta) -> Values:
        return self.push_function(v)

    def pull(self, w: Values) -> Theta:
        return jax.linear_transpose(self.push_function, self.theta)(w)[0]

    def jacobian(self, indices: Int[Array, " s"] | None = None) -> Float[Array, "n q s"]:
        """One reverse pass per point and quantity."""
        jacobian = jax.vmap(self._rows)(self.points)
        return jacobian if indices is None else jacobian[..., indices]

    def kernel_diagonal(self) -> Float[Array, " nq"]:
        def squares(x):
            return jnp.sum(self._rows(x) ** 2, axis=-1)

        return jnp.ravel(jax.lax.map(squares, self.points, batch_size=16))

    def astype(self, dtype: Any) -> "GenericLinearisation":
        template, theta, sample = jax.tree.map(
            lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf,
            (self.template, self.theta, WeightedPoints(self.points, self.weights)),
        )
        return linearise_generic(template, theta, sample, self.norm)

    def at(self, points: Int[Array, " k"]) -> "GenericLinearisation":
        sample = WeightedPoints(self.points[points], self.weights[points])
        return linearise_generic(self.template, self.theta, sample, self.norm)

    def _rows(self, x) -> Float[Array, "q p"]:
        """J at one point."""
        _, rebuild = flatten(self.template)
        return jax.jacrev(lambda theta: self.norm(rebuild(theta), x))(self.theta)


def linearise_generic(
    template: AbstractNetwork, theta: Theta, sample: WeightedPoints, norm: AbstractInnerProduct
) -> GenericLinearisation:
    """Linearise any network with parameters `theta` at the points of `sample`."""
    _, rebuild = flatten(template)

    def values(theta):
        return norm.on_points(rebuild(theta), sample.points)

    at_theta, push = jax.linearize(values, theta)
    return GenericLinearisation(
        template=template,
        theta=theta,
        points=sample.points,
        values=at_theta,
        weights=sample.weights,
        norm=norm,
        push_function=push,
    )
