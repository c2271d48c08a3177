r"""Derivatives in theta of functions of u and its derivatives, by the structure of dense layers.

A change of a layer z(x) = V a(x) + b near a point changes z by the polynomial $\sum_\alpha (x -
x_0)^\alpha \, dV \, a^{(\alpha)}(x_0) / \alpha!$. A function of the derivatives of u at $x_0$ up to
an order depends on the terms up to that order. Its derivative in V is therefore a sum of outer
products, of its derivatives in the coefficients of such polynomials and of the Taylor coefficients
of a: products with the rows of another linearisation cost as few more as there are terms.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from ...linear import StructuredLinearisation, is_dense, tap, trained_layers
from ...networks import AbstractNetwork, flatten
from ...types import Point, Points, Theta, Value

# (network, x) to q numbers.
PointFunction = Callable[[AbstractNetwork, Point], Value]


class DerivativeRows(eqx.Module):
    """For each dense layer the m Taylor coefficients of its input (n, m, in) and the derivatives
    (n, q, m, out) of the function in those of a shift; the first coefficient is the value."""

    inputs: tuple[Float[Array, "n m _in"], ...]
    signals: tuple[Float[Array, "n q m _out"], ...]

    def cross_kernel(
        self, other: StructuredLinearisation, entries: Int[Array, " b"]
    ) -> Float[Array, "nq b"]:
        """The products with the rows of these indices of a linearisation J: D J^T."""
        n, q, m, _ = self.signals[0].shape
        points = entries // other.values.shape[1]
        total = jnp.zeros((n * q, entries.size), self.signals[0].dtype)
        layers = zip(self.inputs, self.signals, other.inputs, other.flat_signals, strict=True)
        for a, d, b, e in layers:
            for k in range(m):
                inner = a[:, k] @ b[points].T + (1 if k == 0 else 0)
                outer = d[:, :, k].reshape(n * q, -1) @ e[entries].T
                total = total + jnp.repeat(inner, q, axis=0) * outer
        return total


def derivative_rows(
    function: PointFunction, template: AbstractNetwork, theta: Theta, points: Points, order: int
) -> DerivativeRows | None:
    """The derivative of a function of the derivatives of u at x up to `order`; None for a network
    without that structure."""
    network = flatten(template)[1](theta)
    trained = trained_layers(network)
    if trained is None:
        return None
    exponents = _exponents(points.shape[1], order)
    zeros = _zero_shifts(network, trained, len(exponents))

    def value(shifts, x):
        return function(_Shifted(network, shifts, x, exponents), x)

    def inputs(x):
        return _taylor(lambda x: _inputs(network, trained, x), x, exponents)

    return _rows(value, inputs, zeros, points)


def velocity_change_rows(
    function: PointFunction,
    template: AbstractNetwork,
    theta: Theta,
    velocity: Theta,
    points: Points,
) -> DerivativeRows | None:
    """The derivative of J v in theta for fixed v, J being that of a function of u at x."""
    rebuild = flatten(template)[1]
    trained = trained_layers(rebuild(theta))
    if trained is None:
        return None
    zeros = _zero_shifts(rebuild(theta), trained, 2)
    zero, one = jnp.zeros((), theta.dtype), jnp.ones((), theta.dtype)

    def value(shifts, x):
        def along(s):
            nodes, structure = jax.tree.flatten(rebuild(theta + s * velocity), is_leaf=is_dense)
            network, _ = tap(nodes, structure, trained, [c[0] + s * c[1] for c in shifts])
            return function(network, x)

        return jax.jvp(along, (zero,), (one,))[1]

    def inputs(x):
        def along(s):
            return _inputs(rebuild(theta + s * velocity), trained, x)

        return jax.tree.map(lambda a, b: jnp.stack([a, b]), *jax.jvp(along, (zero,), (one,)))

    return _rows(value, inputs, zeros, points)


def _rows(value: Callable, inputs: Callable, zeros: list, points: Points) -> DerivativeRows:
    def at_point(x):
        quantities, back = jax.vjp(lambda shifts: value(shifts, x), zeros)
        signals = jax.vmap(back)(jnp.eye(quantities.size, dtype=x.dtype))[0]
        return inputs(x), signals

    inputs_at, signals = jax.vmap(at_point)(points)
    return DerivativeRows(tuple(inputs_at), tuple(signals))


class _Shifted(AbstractNetwork):
    """A network whose trained layers are shifted by polynomials in x - origin."""

    network: AbstractNetwork
    shifts: list[Float[Array, "m _out"]]
    origin: Point
    exponents: tuple[tuple[int, ...], ...] = eqx.field(static=True)

    @property
    def trainable(self) -> PyTree:
        return self.network.trainable

    @property
    def head(self) -> PyTree[Array]:
        return self.network.head

    def reinitialised(self, key) -> AbstractNetwork:
        return self.network.reinitialised(key)

    def __call__(self, x: Point) -> Value:
        step = x - self.origin
        powers = jnp.stack([_monomial(step, exponents) for exponents in self.exponents])
        nodes, structure = jax.tree.flatten(self.network, is_leaf=is_dense)
        trained = trained_layers(self.network)
        assert trained is not None
        network, _ = tap(nodes, structure, trained, [powers @ c for c in self.shifts])
        return network(x)


def _monomial(step: Point, exponents: Sequence[int]) -> Array:
    result = jnp.ones((), step.dtype)
    for coordinate, exponent in zip(step, exponents, strict=True):
        for _ in range(exponent):
            result = result * coordinate
    return result


def _exponents(dimension: int, order: int) -> tuple[tuple[int, ...], ...]:
    """Multi-indices up to an order, the zero first."""
    return tuple(
        tuple(Counter(axes)[i] for i in range(dimension))
        for k in range(order + 1)
        for axes in itertools.combinations_with_replacement(range(dimension), k)
    )


def _taylor(function: Callable, x: Point, exponents: tuple[tuple[int, ...], ...]) -> Any:
    """Taylor coefficients of the arrays of a function, along a new first axis."""
    tensors, derivative = [function(x)], function
    for _ in range(max(sum(entry) for entry in exponents)):
        derivative = jax.jacfwd(derivative)
        tensors.append(derivative(x))

    def pick(*levels):
        parts = []
        for entry in exponents:
            axes = tuple(axis for axis, count in enumerate(entry) for _ in range(count))
            factor = math.prod(math.factorial(count) for count in entry)
            parts.append(levels[len(axes)][(..., *axes)] / factor)
        return jnp.stack(parts)

    return jax.tree.map(pick, *tensors)


def _zero_shifts(network: AbstractNetwork, trained: list[bool], terms: int) -> list:
    nodes = jax.tree.leaves(network, is_leaf=is_dense)
    layers = [node for node, is_trained in zip(nodes, trained, strict=True) if is_trained]
    return [jnp.zeros((terms, layer.bias.size), layer.bias.dtype) for layer in layers]


def _inputs(network: AbstractNetwork, trained: list[bool], x: Point) -> list[Array]:
    """The input of each trained layer."""
    nodes, structure = jax.tree.flatten(network, is_leaf=is_dense)
    pairs = zip(nodes, trained, strict=True)
    zeros = [jnp.zeros_like(layer.bias) for layer, is_trained in pairs if is_trained]
    tapped, calls = tap(nodes, structure, trained, zeros)
    tapped(x)
    return [layer_calls[0][0] for layer_calls in calls]
