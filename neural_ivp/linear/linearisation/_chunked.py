"""J in the memory of a chunk of the points: each product linearises the chunks one by one."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ...calculus import AbstractInnerProduct
from ...networks import AbstractNetwork
from ...types import Points, Theta, Values, WeightedPoints, Weights
from ._base import AbstractLinearisation

Maker = Callable[
    [AbstractNetwork, Theta, WeightedPoints, AbstractInnerProduct], AbstractLinearisation
]


class ChunkedLinearisation(AbstractLinearisation):
    """J by chunks, the leading axis of `points`; the last chunk is padded with points of weight 0.

    `jacobian` and `kernel_matrix` hold J for all points.
    """

    make: Maker = eqx.field(static=True)
    template: AbstractNetwork
    theta: Theta
    points: Float[Array, "chunks size d"]
    norm: AbstractInnerProduct
    values: Values
    weights: Weights

    @property
    def num_parameters(self) -> int:
        return self.theta.size

    def push(self, v: Theta) -> Values:
        return self._joined(self._map(lambda lin, _: lin.push(v), self.weights))

    def pull(self, w: Values) -> Theta:
        return self._sum(lambda lin, w: lin.pull(w), w)

    def gram_product(self, v: Theta) -> Theta:
        # Both products in one pass linearise each chunk once.
        return self._sum(lambda lin, w: lin.pull(w[:, None] * lin.push(v)), self.weights)

    def kernel_diagonal(self) -> Float[Array, " nq"]:
        parts = self._map(lambda lin, _: lin.kernel_diagonal(), self.weights)
        return jnp.ravel(parts)[: self.values.size]

    def jacobian(self, indices: Int[Array, " s"] | None = None) -> Float[Array, "n q s"]:
        return self._joined(self._map(lambda lin, _: lin.jacobian(indices), self.weights))

    def astype(self, dtype: Any) -> "ChunkedLinearisation":
        return jax.tree.map(
            lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, self
        )

    def at(self, points: Int[Array, " k"]) -> AbstractLinearisation:
        flat = self.points.reshape(-1, self.points.shape[-1])
        sample = WeightedPoints(flat[points], self.weights[points])
        return self.make(self.template, self.theta, sample, self.norm)

    def _map(self, part: Callable, along: Array) -> Array:
        """`part` of each chunk's linearisation and of its rows of `along`."""
        return jax.lax.map(lambda chunk: part(self._at(chunk[0]), chunk[1]), self._split(along))

    def _sum(self, part: Callable, along: Array) -> Theta:
        def add(total, chunk):
            return total + part(self._at(chunk[0]), chunk[1]), None

        return jax.lax.scan(add, self.zeros, self._split(along))[0]

    def _split(self, along: Array) -> tuple[Array, Array]:
        count, size = self.points.shape[:2]
        padded = _padded(along, count * size, 0)
        return self.points, padded.reshape(count, size, *along.shape[1:])

    def _joined(self, parts: Array) -> Array:
        return parts.reshape(-1, *parts.shape[2:])[: len(self.weights)]

    def _at(self, points) -> AbstractLinearisation:
        return self.make(self.template, self.theta, _unit_weights(points), self.norm)


def _unit_weights(points: Points) -> WeightedPoints:
    return WeightedPoints(points, jnp.ones(len(points), points.dtype))


def _padded(array: Array, length: int, filling) -> Array:
    padding = jnp.broadcast_to(filling, (length - len(array), *array.shape[1:]))
    return jnp.concatenate([array, padding.astype(array.dtype)])


def linearise_in_chunks(
    make: Maker,
    template: AbstractNetwork,
    theta: Theta,
    sample: WeightedPoints,
    norm: AbstractInnerProduct,
    chunk_size: int,
) -> ChunkedLinearisation:
    """Linearise by `make` at the points of `sample`, `chunk_size` of them at a time."""
    n, d = sample.points.shape
    count = -(-n // chunk_size)
    points = _padded(sample.points, count * chunk_size, sample.points[-1])
    points = points.reshape(count, chunk_size, d)
    values = jax.lax.map(lambda x: make(template, theta, _unit_weights(x), norm).values, points)
    values = values.reshape(count * chunk_size, -1)[:n]
    return ChunkedLinearisation(
        make=make,
        template=template,
        theta=theta,
        points=points,
        norm=norm,
        values=values,
        weights=sample.weights,
    )
