"""The network of the paper: a sinusoidal embedding and one MLP tower per component."""

import math
from typing import Literal, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from .._errors import InputError, check_count, suggestion
from .._types import Point, Value
from ..domains import AbstractDomain
from ._base import AbstractNetwork
from ._dense import Dense, dense

Activation = Literal["swish", "tanh", "sin"]
_ACTIVATIONS = {"swish": jax.nn.swish, "tanh": jnp.tanh, "sin": jnp.sin}


class SinusoidalMLP(AbstractNetwork):
    r"""Sinusoidal embedding, then dense layers; components share no weights.

    With $\xi \in [-1, 1]^d$ the point in the domain's reference coordinates, the embedding is
    $6 \sin(w_j \xi_i) / w_j^\alpha$ and $6 \cos(w_j \xi_i) / w_j^\alpha$. On a `Box`
    $w_j = (\pi/2) 2^j$; on a `Torus` $w_j = \pi (j + 1)$, so that the network is exactly
    periodic; $j = 0, \dots, L-1$. For a derivative of order k in the equation,
    $\alpha \ge k/2$ keeps its features of order one.

    **Arguments:**

    - `domain`: a `Box` or a `Torus`.
    - `components`: c, the number of components of the solution.
    - `width`, `depth`: size and number of the hidden layers. Good values: 30 to 100, 3.
    - `num_frequencies`: L. Good values: 3 to 5.
    - `frequency_exponent`: alpha.
    - `activation`: "swish", "tanh" or "sin".
    - `dtype`: of the parameters, "float32" or "float64"; JAX's default if not given.
    - `key`: for the weights (variance 1/fan-in, biases uniform).

    **Raises:** `InputError` for sizes below one, an unknown activation or dtype.

    Source: Finzi et al., "A stable and scalable method for solving initial value PDEs with
    neural networks", ICLR 2023, section 4.2 and its code.
    """

    towers: tuple[tuple[Dense, ...], ...]
    domain: AbstractDomain
    components: int = eqx.field(static=True)
    width: int = eqx.field(static=True)
    depth: int = eqx.field(static=True)
    num_frequencies: int = eqx.field(static=True)
    frequency_exponent: float = eqx.field(static=True)
    activation: Activation = eqx.field(static=True)
    dtype: str = eqx.field(static=True)

    def __init__(
        self,
        domain: AbstractDomain,
        components: int,
        *,
        width: int = 50,
        depth: int = 3,
        num_frequencies: int = 3,
        frequency_exponent: float = 1.0,
        activation: Activation = "swish",
        dtype: Literal["float32", "float64"] | None = None,
        key: PRNGKeyArray,
    ):
        sizes = dict(
            components=components, width=width, depth=depth, num_frequencies=num_frequencies
        )
        for name, size in sizes.items():
            check_count(name, size)
        if activation not in _ACTIVATIONS:
            hint = suggestion(str(activation), get_args(Activation))
            raise InputError(f"unknown `activation` {activation!r}.{hint}")
        self.domain, self.components, self.width, self.depth = domain, components, width, depth
        self.num_frequencies, self.frequency_exponent = num_frequencies, float(frequency_exponent)
        self.activation, self.dtype = activation, resolve_dtype(dtype)
        fans = [2 * num_frequencies * domain.dimension, *[width] * depth, 1]
        self.towers = tuple(_tower(fans, self.dtype, k) for k in jax.random.split(key, components))

    @property
    def head(self) -> tuple[Dense, ...]:
        return tuple(tower[-1] for tower in self.towers)

    def redrawn(self, key: PRNGKeyArray) -> "SinusoidalMLP":
        return SinusoidalMLP(
            self.domain,
            self.components,
            width=self.width,
            depth=self.depth,
            num_frequencies=self.num_frequencies,
            frequency_exponent=self.frequency_exponent,
            activation=self.activation,
            dtype=self.dtype,  # pyright: ignore[reportArgumentType]
            key=key,
        )

    def embed(self, x: Point) -> Float[Array, " 2*d*L"]:
        """The sinusoidal embedding of one point."""
        counts = range(self.num_frequencies)
        if self.domain.periods is None:
            frequencies = [math.pi / 2 * 2**j for j in counts]
        else:
            frequencies = [math.pi * (j + 1) for j in counts]
        w = jnp.asarray(frequencies, x.dtype)
        phases = jnp.outer(self.domain.reference(x), w)
        waves = jnp.stack([jnp.sin(phases), jnp.cos(phases)])
        return jnp.ravel(6 * waves / jnp.reshape(w, (1, 1, -1)) ** self.frequency_exponent)

    def __call__(self, x: Point) -> Value:
        embedded = self.embed(x)
        # One matrix product per tower: XLA's batched product on CPUs is several times slower.
        return jnp.concatenate([self._climb(tower, embedded) for tower in self.towers])

    def _climb(self, tower: tuple[Dense, ...], h: Float[Array, " 2*d*L"]) -> Float[Array, "1"]:
        for layer in tower[:-1]:
            h = _ACTIVATIONS[self.activation](layer(h))
        return tower[-1](h)


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


def _tower(sizes: list[int], dtype: str, key: PRNGKeyArray) -> tuple[Dense, ...]:
    keys = jax.random.split(key, len(sizes) - 1)
    pairs = zip(sizes[:-1], sizes[1:], keys, strict=True)
    return tuple(dense(fan_in, fan_out, dtype, key=k) for fan_in, fan_out, k in pairs)
