"""A truncated Fourier series: a network with fixed features."""

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
from ._base import AbstractNetwork, check_num_parameters, per_entry, resolve_dtype


class FourierSeries(AbstractNetwork):
    r"""$u(x) = \sum_k c_k \phi_k(x)$ with fixed $\phi_k$: linear in all of its parameters.

    The $\phi_k$ are the products of one function per dimension. Along a periodic axis these are
    $1, \cos k\theta, \sin k\theta$ with $\theta = 2\pi (x - lower) / length$, 2m + 1 of them.
    Along an interval they are $\sin(k\pi (\xi + 1) / 2)$ with the reference coordinate
    $\xi \in [-1, 1]$, m functions that vanish at both ends. $k = 1, \dots, m$. A step is
    the Galerkin projection on these functions, a baseline for networks.

    **Arguments:**

    - `domain`: a `Box`, a `Torus` or a `ProductDomain`.
    - `components`: c, the number of components of the solution.
    - `modes`: m, the same in each dimension or one per dimension. Good values: the length of
      the domain over the standard deviation of the narrowest bump; on a box twice that.
    - `dtype`: of the coefficients, "float32" or "float64"; JAX's default if not given.
    - `key`: for the coefficients, normal with deviation $\prod_i 1 / (1 + k_i^2)$.

    **Returns:** called with a point of shape (d,), u of shape (c,).

    **Raises:** `InputError` for sizes below one, modes not one per dimension, an unknown dtype.

    Source: Boyd, "Chebyshev and Fourier Spectral Methods", 2nd edition, 2001, chapter 2.

    ```python
    series = nivp.FourierSeries(nivp.Torus((1.0,)), 1, modes=8, key=jax.random.key(0))
    value = series(jnp.array([0.3]))
    ```
    """

    # Not a `Dense`: its bias would duplicate the constant on a torus, and make u nonzero on the
    # boundary of a box.
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
        sizes = (2 * m + 1 if p else m for m, p in zip(counts, domain.periodic, strict=True))
        check_num_parameters(components * math.prod(sizes), {"modes": modes})
        wave_numbers = [range(1, m + 1) for m in counts]
        pairs = zip(wave_numbers, domain.periodic, strict=True)
        wave_numbers = [(0, *ks, *ks) if periodic else ks for ks, periodic in pairs]
        decay = _products([1 / (1 + jnp.asarray(ks, self.dtype) ** 2) for ks in wave_numbers])
        normal = jax.random.normal(key, (components, decay.size), self.dtype)
        self.coefficients = normal * decay[None, :]

    @property
    def trainable(self) -> PyTree:
        return self.coefficients

    @property
    def head(self) -> PyTree:
        return self.coefficients

    @property
    def zero_at(self) -> tuple[str, ...]:
        return self.domain.faces

    def reinitialised(self, key: PRNGKeyArray) -> "FourierSeries":
        return FourierSeries(
            self.domain,
            self.components,
            modes=self.modes,
            dtype=self.dtype,  # pyright: ignore[reportArgumentType]
            key=key,
        )

    def features(self, x: Point) -> Float[Array, " m"]:
        """All phi_k at one point, those of the last dimension fastest."""
        counts = per_entry("modes", self.modes, self.domain.dimension, "dimension")
        bases = []
        parts = zip(self.domain.to_reference(x), counts, self.domain.periodic, strict=True)
        for coordinate, count, periodic in parts:
            # From 0 to 2 pi along a period, to pi along an interval.
            angle = (math.pi if periodic else math.pi / 2) * (coordinate + 1)
            phases = angle * jnp.arange(1, count + 1, dtype=x.dtype)
            constant_and_cosines = [jnp.ones(1, x.dtype), jnp.cos(phases)] if periodic else []
            bases.append(jnp.concatenate([*constant_and_cosines, jnp.sin(phases)]))
        return _products(bases)

    def __call__(self, x: Point) -> Value:
        return self.coefficients @ self.features(x)


def _products(factors: Sequence[Array]) -> Array:
    """All products of one entry of each vector, those of the last vector fastest."""
    return functools.reduce(lambda left, right: (left[:, None] * right[None, :]).ravel(), factors)
