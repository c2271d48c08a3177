"""J of a network of dense layers, by its structure.

A layer z = V a + b that is called once per point enters J as d(value)/dV = d a^T, where a is
the layer's input and d, its signal, the derivative of the value in z. With the inputs and signals
of all layers at all points, J v and J^T w are matrix products of 2 n p operations each; a column of
J is the product of an entry of d and one of a; and J J^T is a sum over the layers of elementwise
products of Gram matrices.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import get_opaque_trace_state
from jaxtyping import Array, Float, Int

from ...calculus import AbstractInnerProduct
from ...networks import AbstractNetwork, Dense, flatten, partition
from ...types import Theta, Values, WeightedPoints, Weights
from ..numerics import BLOCK, Symmetric
from ._base import AbstractLinearisation


class StructuredLinearisation(AbstractLinearisation):
    """Inputs a (n, in) and signals d (q, out, n) of each dense layer, in the order of theta."""

    # With the points last in d, the products are of the kinds `x @ y` and `x @ y.T`: on CPUs XLA's
    # `x.T @ y` is slower, and so is a product fused with its surroundings.
    values: Values
    weights: Weights
    inputs: tuple[Float[Array, "n _in"], ...]
    signals: tuple[Float[Array, "q _out n"], ...]

    @property
    def _sizes(self) -> list[tuple[int, int]]:
        """(in, out) of each layer."""
        return [(a.shape[1], d.shape[1]) for a, d in zip(self.inputs, self.signals, strict=True)]

    @property
    def num_parameters(self) -> int:
        return sum((fan_in + 1) * fan_out for fan_in, fan_out in self._sizes)

    def push(self, v: Theta) -> Values:
        total, offset = jnp.zeros_like(self.values), 0
        for a, d in zip(self.inputs, self.signals, strict=True):
            fan_in, fan_out = a.shape[1], d.shape[1]
            weight = v[offset : offset + fan_in * fan_out].reshape(fan_out, fan_in)
            offset += fan_in * fan_out
            z = weight @ a.T + v[offset : offset + fan_out, None]
            offset += fan_out
            # The sum over `out` as a product: XLA would fuse a sum with the product before it.
            ones = jnp.ones(fan_out, v.dtype)
            total = total + jnp.stack([ones @ (signal * z) for signal in d], axis=1)
        return total

    def pull(self, w: Values) -> Theta:
        total, offset = jnp.zeros(self.num_parameters, self.values.dtype), 0
        for a, d in zip(self.inputs, self.signals, strict=True):
            # A loop over the quantities, since a sum over their axis is slower.
            back = jnp.zeros_like(d[0])
            for signal, wq in zip(d, w.T, strict=True):
                back = back + signal * wq[None, :]
            back = jax.lax.optimization_barrier(back)
            # In place, since XLA would fuse a concatenation with the products before it.
            for part in (jnp.ravel(back @ a), jnp.sum(back, axis=1)):
                total = jax.lax.dynamic_update_slice(total, part, (offset,))
                offset += part.size
        return total

    def jacobian(self, indices: Int[Array, " s"] | None = None) -> Float[Array, "n q s"]:
        sources, sinks = self._origins()
        if indices is not None:
            sources, sinks = jnp.asarray(sources)[indices], jnp.asarray(sinks)[indices]
        ones = jnp.ones((self.values.shape[0], 1), self.values.dtype)
        a = jnp.concatenate([*self.inputs, ones], axis=1)
        d = jnp.moveaxis(jnp.concatenate(self.signals, axis=1), -1, 0)
        return d[:, :, sinks] * a[:, None, sources]

    def kernel_matrix(self) -> Symmetric:
        """The sum over the layers of (a a^T + 1) times d d^T, entry by entry."""
        size, q = self.values.size, self.values.shape[1]
        layers = list(zip(self.inputs, self.flat_signals, strict=True))

        def panel(start, end):
            total = jnp.zeros((end - start, size - start), self.values.dtype)
            for a, d in layers:
                inner = a[start // q : end // q] @ a[start // q :].T + 1
                inner = jnp.repeat(jnp.repeat(inner, q, axis=0), q, axis=1)
                total = total + inner * (d[start:end] @ d[start:].T)
            return total

        return Symmetric.of(panel, size, max(BLOCK // q, 1) * q)

    def kernel(self, columns: Int[Array, " b"]) -> Float[Array, "nq b"]:
        return self.cross_kernel(self, columns)

    def cross_kernel(
        self, other: AbstractLinearisation, entries: Int[Array, " b"]
    ) -> Float[Array, "nq b"]:
        if not isinstance(other, StructuredLinearisation):
            return super().cross_kernel(other, entries)
        q = self.values.shape[1]
        total = jnp.zeros((self.values.size, entries.size), self.values.dtype)
        layers = zip(self.inputs, self.flat_signals, other.inputs, other.flat_signals, strict=True)
        for a, d, b, e in layers:
            inner = jnp.repeat(a @ b[entries // q].T + 1, q, axis=0)
            total = total + inner * (d @ e[entries].T)
        return total

    @property
    def flat_signals(self) -> list[Float[Array, "nq _out"]]:
        return [jnp.moveaxis(d, -1, 0).reshape(self.values.size, -1) for d in self.signals]

    def kernel_columns_cost(self, count: int) -> int:
        return 0

    def kernel_diagonal(self) -> Float[Array, " nq"]:
        total = jnp.zeros_like(self.values)
        for a, d in zip(self.inputs, self.signals, strict=True):
            total = total + (jnp.sum(a**2, axis=1)[:, None] + 1) * jnp.sum(d**2, axis=1).T
        return jnp.ravel(total)

    def at(self, points: Int[Array, " k"]) -> "StructuredLinearisation":
        return StructuredLinearisation(
            values=self.values[points],
            weights=self.weights[points],
            inputs=tuple(a[points] for a in self.inputs),
            signals=tuple(d[..., points] for d in self.signals),
        )

    def astype(self, dtype: Any) -> "StructuredLinearisation":
        return jax.tree.map(lambda leaf: leaf.astype(dtype), self)

    def _origins(self) -> tuple[np.ndarray, np.ndarray]:
        """For each parameter the indices of the input (the last one is 1, for the biases) and of
        the signal whose product is its column."""
        sources, sinks = [], []
        constant = sum(fan_in for fan_in, _ in self._sizes)
        first_in = first_out = 0
        for fan_in, fan_out in self._sizes:
            ins, outs = first_in + np.arange(fan_in), first_out + np.arange(fan_out)
            sources += [np.tile(ins, fan_out), np.full(fan_out, constant)]
            sinks += [np.repeat(outs, fan_in), outs]
            first_in, first_out = first_in + fan_in, first_out + fan_out
        return np.concatenate(sources), np.concatenate(sinks)


class _Tapped(eqx.Module):
    """A dense layer that shifts its output and records its input and the trace that called it."""

    layer: Dense
    shift: Float[Array, " out"]
    calls: list = eqx.field(static=True)

    def __call__(self, h: Float[Array, " in"]) -> Float[Array, " out"]:
        self.calls.append((h, get_opaque_trace_state()))
        return self.layer(h) + self.shift


def is_dense(node) -> bool:
    return isinstance(node, Dense)


def trained_layers(network: AbstractNetwork) -> list[bool] | None:
    """Return which of the network's nodes (dense layers and other arrays) are trained dense layers.

    None if there are parameters outside them.
    """
    parameters, _ = partition(network)
    trained = []
    for node in jax.tree.leaves(parameters, is_leaf=lambda node: node is None or is_dense(node)):
        arrays = jax.tree.leaves(node)
        if arrays and not (is_dense(node) and len(arrays) == 2):
            return None
        trained.append(bool(arrays))
    return trained


def tap(nodes: list, structure, trained: list[bool], shifts: list) -> tuple[Any, list[list]]:
    """Return the network with its trained layers tapped, and the lists of their calls."""
    layer_calls = [[] for _ in shifts]
    parts = iter(zip(shifts, layer_calls, strict=True))
    tapped = [
        _Tapped(node, *next(parts)) if is_trained else node
        for node, is_trained in zip(nodes, trained, strict=True)
    ]
    return jax.tree.unflatten(structure, tapped), layer_calls


def linearise_structured(
    template: AbstractNetwork, theta: Theta, sample: WeightedPoints, norm: AbstractInnerProduct
) -> StructuredLinearisation | None:
    """Linearise a network of dense layers with parameters `theta` at the points of `sample`.

    None for a network with parameters outside dense layers, or with a layer that is not called
    exactly once per point, or is called inside another transformation, as a norm with derivatives
    does.
    """
    network = flatten(template)[1](theta)
    trained = trained_layers(network)
    if trained is None:
        return None
    nodes, structure = jax.tree.flatten(network, is_leaf=is_dense)
    pairs = zip(nodes, trained, strict=True)
    shifts = [jnp.zeros_like(layer.bias) for layer, is_trained in pairs if is_trained]

    def at_point(x):
        def value(shifts):
            tapped, layer_calls = tap(nodes, structure, trained, shifts)
            quantities, trace = norm(tapped, x), get_opaque_trace_state()
            if any(len(calls) != 1 or calls[0][1] != trace for calls in layer_calls):
                raise _NotStructured
            return quantities, [calls[0][0] for calls in layer_calls]

        quantities, back, inputs = jax.vjp(value, shifts, has_aux=True)
        signals = jax.vmap(back)(jnp.eye(quantities.size, dtype=x.dtype))[0]
        return quantities, inputs, signals

    try:
        values, inputs, signals = jax.vmap(at_point, out_axes=(0, 0, -1))(sample.points)
    except _NotStructured:
        return None
    return StructuredLinearisation(values, sample.weights, tuple(inputs), tuple(signals))


class _NotStructured(Exception):
    """Raised while tracing a network with a layer that is not called plainly once."""
