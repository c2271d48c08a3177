"""The network of the paper: a sinusoidal embedding, then one MLP tower per component.

With `shared`, the first hidden layers are a trunk that all towers have in common.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from ..domains import AbstractDomain
from ..errors import InputError, check_count, check_key, suggestion
from ..types import Point, Value
from ._base import AbstractNetwork, check_num_parameters, per_entry, resolve_dtype
from ._layers import Dense, Rational, dense

Activation = Literal["swish", "tanh", "sin", "rational"]
# The activations without parameters.
_FIXED = {"swish": jax.nn.swish, "tanh": jnp.tanh, "sin": jnp.sin}


class SinusoidalMLP(AbstractNetwork):
    r"""A sinusoidal embedding, then an MLP tower for each component of the solution.

    With the reference coordinates $\xi \in [-1, 1]^d$ the embedding is
    $6 \sin(w_j \xi_i) / w_j^\alpha$ and $6 \cos(w_j \xi_i) / w_j^\alpha$, $j = 0, \dots, L-1$,
    with $w_j = (\pi/2) 2^j$ along an interval and $w_j = \pi (j + 1)$ along a periodic axis, in
    which the network is exactly periodic. Along an axis with even ends it is
    $6 \cos(w_k (\xi_i \pm 1)) / w_k^\alpha$, $k = 1, \dots, 2L$, with $w_k = k \pi / 2$ for two
    even ends and $k \pi / 4$ for one, at which the distance from the end is measured.

    **Arguments:**

    - `domain`: the domain, whose bounding box is embedded.
    - `components`: c, the number of components of the solution.
    - `width`: size of the hidden layers, one integer or one per component. Good values: 30 to 100.
    - `depth`: number of hidden layers, one integer or one per component. Good values: 3.
    - `shared`: number of first hidden layers that all towers share; 0 if not given.
    - `num_frequencies`: L. Good values: 3 to 5.
    - `amplitude_decay`: alpha. Good values: at least k/2, for derivatives of order k.
    - `activation`: "swish", "tanh", "sin" or "rational": a `Rational` for each hidden layer,
      trained with the weights (such a network is not linearised by structure, see `Dense`).
    - `even_at`: names of faces of a product of axes at which the normal derivative of the network
      is zero (a homogeneous Neumann condition); none if not given.
    - `dtype`: of the parameters, "float32" or "float64"; JAX's default if not given.
    - `key`: for the weights (normal of variance 1 / fan-in) and biases (uniform).

    **Returns:** called with a point of shape (d,), u of shape (c,).

    **Raises:** `InputError` for unsuitable sizes, an unknown activation, face or dtype.

    Source: Finzi et al., "A stable and scalable method for solving initial value PDEs with
    neural networks", ICLR 2023, section 4.2 and its code.

    ```python
    network = nivp.SinusoidalMLP(nivp.Torus((1.0,)), 2, width=10, key=jax.random.key(0))
    u, v = network(jnp.array([0.3]))
    ```
    """

    trunk: tuple[Dense, ...]
    towers: tuple[tuple[Dense, ...], ...]
    # One per hidden layer, of the trunk and of each tower; none if the activation is fixed.
    rationals: tuple[tuple[Rational, ...], ...]
    domain: AbstractDomain
    components: int = eqx.field(static=True)
    width: int | tuple[int, ...] = eqx.field(static=True)
    depth: int | tuple[int, ...] = eqx.field(static=True)
    shared: int = eqx.field(static=True)
    num_frequencies: int = eqx.field(static=True)
    amplitude_decay: float = eqx.field(static=True)
    activation: Activation = eqx.field(static=True)
    even_at: tuple[str, ...] = eqx.field(static=True)
    dtype: str = eqx.field(static=True)

    def __init__(
        self,
        domain: AbstractDomain,
        components: int,
        *,
        width: int | Sequence[int] = 50,
        depth: int | Sequence[int] = 3,
        shared: int = 0,
        num_frequencies: int = 3,
        amplitude_decay: float = 1.0,
        activation: Activation = "swish",
        even_at: Sequence[str] = (),
        dtype: Literal["float32", "float64"] | None = None,
        key: PRNGKeyArray,
    ):
        check_key(key)
        check_count("components", components)
        check_count("num_frequencies", num_frequencies)
        widths = per_entry("width", width, components, "component")
        depths = per_entry("depth", depth, components, "component")
        _check_shared(shared, widths, depths)
        if activation not in get_args(Activation):
            hint = suggestion(str(activation), get_args(Activation))
            raise InputError(f"unknown `activation` {activation!r}.{hint}")
        self.even_at = _even_faces(domain, even_at)
        self.domain, self.components, self.shared = domain, components, shared
        self.width = widths if isinstance(width, Sequence) else width
        self.depth = depths if isinstance(depth, Sequence) else depth
        self.num_frequencies, self.amplitude_decay = num_frequencies, float(amplitude_decay)
        self.activation, self.dtype = activation, resolve_dtype(dtype)
        embedded = 2 * num_frequencies * domain.dimension
        # Without a trunk, `keys[-1]` belongs to the last tower and the trunk's layers are none.
        keys = jax.random.split(key, components + (shared > 0))
        trunk, first = [embedded, *widths[:1] * shared], widths[0] if shared else embedded
        pairs = zip(widths, depths, strict=True)
        towers = [[first, *[w] * (d - shared), 1] for w, d in pairs]
        number = sum((a + 1) * b for sizes in (trunk, *towers) for a, b in pairwise(sizes))
        check_num_parameters(number, {"width": width, "depth": depth})
        self.trunk = _layers(trunk, self.dtype, keys[-1])
        parts = zip(towers, keys[:components], strict=True)
        self.towers = tuple(_layers(sizes, self.dtype, k) for sizes, k in parts)
        hidden = [shared, *(d - shared for d in depths)] if activation == "rational" else []
        self.rationals = tuple(tuple(Rational(self.dtype) for _ in range(n)) for n in hidden)

    @property
    def trainable(self) -> PyTree:
        return (self.trunk, self.towers, self.rationals)

    @property
    def head(self) -> PyTree:
        return tuple(tower[-1] for tower in self.towers)

    def reinitialised(self, key: PRNGKeyArray) -> "SinusoidalMLP":
        return SinusoidalMLP(
            self.domain,
            self.components,
            width=self.width,
            depth=self.depth,
            shared=self.shared,
            num_frequencies=self.num_frequencies,
            amplitude_decay=self.amplitude_decay,
            activation=self.activation,
            even_at=self.even_at,
            dtype=self.dtype,  # pyright: ignore[reportArgumentType]
            key=key,
        )

    def embed(self, x: Point) -> Float[Array, " features"]:
        """The sinusoidal embedding of one point."""
        coordinates = self.domain.to_reference(x)
        waves = [self._waves(axis, xi) for axis, xi in enumerate(coordinates)]
        return jnp.ravel(jnp.stack(waves, axis=1))

    def _waves(self, axis: int, xi: Array) -> Float[Array, "2 L"]:
        """The embedding of one reference coordinate."""
        L, ends = self.num_frequencies, [side for side in "-+" if f"x{axis}{side}" in self.even_at]
        if ends:
            unit = math.pi / 2 / (1 if len(ends) == 2 else 2)
            w = jnp.asarray(unit * np.arange(1, 2 * L + 1), xi.dtype)
            waves = jnp.cos(w * (xi + 1 if ends[0] == "-" else xi - 1))
        else:
            periodic = self.domain.periodic[axis]
            frequencies = [math.pi * (j + 1) if periodic else math.pi / 2 * 2**j for j in range(L)]
            w = jnp.asarray(frequencies, xi.dtype)
            waves = jnp.concatenate([jnp.sin(w * xi), jnp.cos(w * xi)])
            w = jnp.concatenate([w, w])
        return jnp.reshape(6 * waves / w**self.amplitude_decay, (2, L))

    def __call__(self, x: Point) -> Value:
        fixed = _FIXED.get(self.activation)
        in_trunk, *in_towers = self.rationals or ((),) * (1 + self.components)
        h = _hidden(self.trunk, in_trunk, fixed, self.embed(x))
        # One matrix product per tower: XLA's batched product is slower on CPUs.
        parts = zip(self.towers, in_towers, strict=True)
        return jnp.concatenate([tower[-1](_hidden(tower[:-1], r, fixed, h)) for tower, r in parts])


def _hidden(
    layers: tuple[Callable[[Array], Array], ...],
    rationals: tuple[Rational, ...],
    fixed: Callable[[Array], Array] | None,
    h: Float[Array, " in"],
) -> Float[Array, " out"]:
    """The output of hidden layers, each followed by its activation, for the input h."""
    activations = rationals if fixed is None else (fixed,) * len(layers)
    for layer, activation in zip(layers, activations, strict=True):
        h = activation(layer(h))
    return h


def _layers(sizes: list[int], dtype: str, key: PRNGKeyArray) -> tuple[Dense, ...]:
    keys = jax.random.split(key, len(sizes) - 1)
    pairs = zip(sizes[:-1], sizes[1:], keys, strict=True)
    return tuple(dense(fan_in, fan_out, dtype, key=k) for fan_in, fan_out, k in pairs)


def _check_shared(shared: int, widths: tuple[int, ...], depths: tuple[int, ...]) -> None:
    check_count("shared", shared, minimum=0)
    if shared > min(depths):
        raise InputError(
            f"`shared` must be at most the `depth` of every tower, {min(depths)}, got {shared}"
        )
    if shared and len(set(widths)) > 1:
        raise InputError(
            f"`shared` layers need towers of one `width`, got {widths}: make the widths equal or "
            "leave `shared` out"
        )


def _even_faces(domain: AbstractDomain, faces: Sequence[str]) -> tuple[str, ...]:
    """The argument `even_at` as a tuple of faces at the ends of axes."""
    if isinstance(faces, str):
        raise InputError(f"`even_at` must be a sequence of names of faces, got {faces!r}")
    ends = [f"x{i}{side}" for i in range(domain.dimension) for side in "-+"]
    valid = [face for face in domain.faces if face in ends]
    for face in faces:
        if face not in valid:
            raise InputError(
                f"`even_at` names {face!r}, no end of an interval of the domain."
                f"{suggestion(str(face), valid)}"
            )
    return tuple(faces)
