"""The classical limit: a truncated Fourier series, whose features nobody trains."""

import functools
import math
from collections.abc import Sequence
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from ..domains import AbstractDomain
from ..errors import check_count, check_key
from ..types import Point, Value
from ._base import AbstractNetwork, per_entry, resolve_dtype


class FourierSeries(AbstractNetwork):
    r"""$u(x) = \sum_k c_k \phi_k(x)$ with fixed $\phi_k$: linear in all of its parameters.

    The $\phi_k$ are all products of one function per dimension. On a `Torus` these are
    $1, \cos k\theta, \sin k\theta$ with $k = 1, \dots, m$ and the angle
    $\theta = 2\pi (x - lower) / length$: $(2m + 1)^d$ products. On a `Box` they are
    $\sin(k\pi (\xi + 1) / 2)$, $k = 1, \dots, m$, with $\xi \in [-1, 1]$ the reference
    coordinate: $m^d$ products, which vanish on the boundary, and so does every u that they
    make. The last dimension runs fastest.

    A step then projects as the Galerkin method on these functions does: the yardstick for a
    network.

    **Arguments:**

    - `domain`: a `Box` or a `Torus`.
    - `components`: c, the number of components of the solution.
    - `modes`: m, the same in each dimension or one per dimension. Good values: the length of
      the domain over the deviation of the narrowest bump; on a box twice that.
    - `dtype`: of the coefficients, "float32" or "float64"; JAX's default if not given.
    - `key`: for the coefficients, normal with deviation $\prod_i 1 / (1 + k_i^2)$.

    **Raises:** `InputError` for modes below one, modes that are not one per dimension, no
    components, an unknown dtype.

    Source: Boyd, "Chebyshev and Fourier Spectral Methods", 2nd edition, 2001, chapter 2.
    """

    # Not a `Dense`, whose bias would be a second constant on a torus and lift u off the boundary
    # of a box.
    coefficients: Float[Array, "c m"]
    domain: AbstractDomain
    components: int = eqx.field(static=True)
    modes: int | tuple[int, ...] = eqx.field(static=True)
    dtype: str = eqx.field(static=True)

    def __init__(
        self,
        domain: AbstractDomain,
        components: int,
        *,
        modes: int | Sequence[int],
        dtype: Literal["float32", "float64"] | None = None,
        key: PRNGKeyArray,
    ):
        check_key(key)
        check_count("components", components)
        counts = per_entry("modes", modes, domain.dimension, "dimension")
        self.domain, self.components, self.dtype = domain, components, resolve_dtype(dtype)
        self.modes = counts if isinstance(modes, Sequence) else modes
        wave_numbers = [range(1, m + 1) for m in counts]
        if domain.periods is not None:
            wave_numbers = [(0, *ks, *ks) for ks in wave_numbers]
        decay = _products([1 / (1 + jnp.asarray(ks, self.dtype) ** 2) for ks in wave_numbers])
        normal = jax.random.normal(key, (components, decay.size), self.dtype)
        self.coefficients = normal * decay[None, :]

    @property
    def trainable(self) -> PyTree:
        return self.coefficients

    @property
    def head(self) -> Float[Array, "c m"]:
        return self.coefficients

    def reinitialised(self, key: PRNGKeyArray) -> "FourierSeries":
        return FourierSeries(
            self.domain,
            self.components,
            modes=self.modes,
            dtype=self.dtype,  # pyright: ignore[reportArgumentType]
            key=key,
        )

    def features(self, x: Point) -> Float[Array, " m"]:
        """All phi_k at one point."""
        counts = per_entry("modes", self.modes, self.domain.dimension, "dimension")
        # From 0 to 2 pi on a torus, to pi on a box.
        turn = math.pi if self.domain.periods is not None else math.pi / 2
        angles = turn * (self.domain.to_reference(x) + 1)
        bases = []
        for angle, count in zip(angles, counts, strict=True):
            phases = angle * jnp.arange(1, count + 1, dtype=x.dtype)
            waves = [jnp.sin(phases)]
            if self.domain.periods is not None:
                waves = [jnp.ones(1, x.dtype), jnp.cos(phases), *waves]
            bases.append(jnp.concatenate(waves))
        return _products(bases)

    def __call__(self, x: Point) -> Value:
        return self.coefficients @ self.features(x)


def _products(factors: Sequence[Array]) -> Array:
    """All products of one entry of each vector, the last vector's entries running fastest."""
    return functools.reduce(lambda left, right: (left[:, None] * right[None, :]).ravel(), factors)
