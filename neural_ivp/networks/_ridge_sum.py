"""Sums of one-dimensional functions of projections."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from ..errors import check_count
from ..types import Point, Scalar, Value
from ._base import AbstractNetwork, check_num_parameters, resolve_dtype

# The interval of a projection that the bumps cover, in standard deviations, and how much denser
# they are in its middle: s goes from -1 to 1 in t = REACH sinh(DENSER s) / sinh(DENSER).
REACH, DENSER = 4.0, 1.0
# Above so many dimensions the products of two coordinates are left out.
PRODUCTS = 24


class RidgeSum(AbstractNetwork):
    r"""$\sum_{jk} c_{jk} B((w_j \cdot z - t_k) / h_k)$ + a quadratic polynomial of z.

    B is a Gaussian bump; two Hermite polynomials of each projection continue it beyond the bumps.
    Time steps move the coefficients. The directions w_j stay as the fit of the start has chosen
    them, so that the network is linear in what moves.

    **Arguments:**

    - `dimension`: d, of points z of mean 0 and standard deviation 1 along each axis.
    - `num_directions`: the number of w_j; d if not given. Good values: d to 2 d.
    - `num_bumps`: the number of t_k. Good values: 16.
    - `products`: whether the polynomial has products of two coordinates; up to 24 dimensions if not
      given.
    - `dtype`: "float64" or "float32"; that of JAX if not given.
    - `key`: of the directions, random unit vectors.

    **Returns:** called with a point of shape (d,), a value of shape (1,); zero at first.

    **Raises:** `InputError` for a count below one.

    Source: Friedman & Stuetzle, "Projection pursuit regression", 1981.

    ```python
    network = nivp.RidgeSum(3, num_directions=6, key=jax.random.key(0))
    network(jnp.zeros(3))  # [0.0]
    ```
    """

    coefficients: Float[Array, "m b"]
    quadratic: Float[Array, " q"]
    linear: Float[Array, " d"]
    directions: Float[Array, "m d"]

    def __init__(
        self,
        dimension: int,
        *,
        num_directions: int | None = None,
        num_bumps: int = 16,
        products: bool | None = None,
        dtype: str | None = None,
        key: PRNGKeyArray,
    ):
        check_count("dimension", dimension)
        num_directions = dimension if num_directions is None else num_directions
        check_count("num_directions", num_directions)
        check_count("num_bumps", num_bumps, minimum=4)
        number = num_directions * (num_bumps + 2 + dimension) + dimension**2
        sizes = {"num_directions": num_directions, "num_bumps": num_bumps}
        check_num_parameters(number, sizes)
        kind = resolve_dtype(dtype)
        rows = jax.random.normal(key, (num_directions, dimension), kind)
        self.directions = rows / jnp.linalg.norm(rows, axis=1, keepdims=True)
        self.coefficients = jnp.zeros((num_directions, num_bumps + 2), kind)
        self.linear = jnp.zeros(dimension, kind)
        products = dimension <= PRODUCTS if products is None else products
        terms = dimension * (dimension + 1) // 2 if products else dimension
        self.quadratic = jnp.zeros(terms, kind)

    @property
    def dimension(self) -> int:
        return self.linear.size

    @property
    def num_directions(self) -> int:
        return len(self.directions)

    @property
    def num_bumps(self) -> int:
        return self.coefficients.shape[1] - 2

    @property
    def products(self) -> bool:
        return self.quadratic.size != self.linear.size

    @property
    def dtype(self) -> str:
        return str(self.linear.dtype)

    @property
    def trainable(self) -> PyTree:
        return (self.coefficients, self.quadratic, self.linear, self.directions)

    @property
    def held(self) -> PyTree:
        return (self.directions,)

    @property
    def head(self) -> PyTree:
        return (self.coefficients, self.quadratic, self.linear)

    def reinitialised(self, key: PRNGKeyArray) -> "RidgeSum":
        return RidgeSum(
            self.dimension,
            num_directions=self.num_directions,
            num_bumps=self.num_bumps,
            products=self.products,
            dtype=self.dtype,
            key=key,
        )

    def along(self, directions: Float[Array, "m d"]) -> "RidgeSum":
        """The same with other directions; of further ones the coefficients are zero."""
        more = max(len(directions) - len(self.directions), 0)
        coefficients = jnp.pad(self.coefficients, ((0, more), (0, 0)))[: len(directions)]
        new = directions, coefficients
        return eqx.tree_at(lambda net: (net.directions, net.coefficients), self, new)

    def reduced(self, count: int) -> "RidgeSum":
        """The first directions alone, and no products of two coordinates."""
        few = self.along(self.directions[:count])
        return eqx.tree_at(lambda net: net.quadratic, few, jnp.zeros_like(self.linear))

    def seen_from(self, factor: Float[Array, "d d"]) -> "RidgeSum":
        """The network whose directions are these, seen in coordinates z with x = m + L z."""
        rows = self.directions @ factor
        return self.along(rows / jnp.linalg.norm(rows, axis=1, keepdims=True))

    def __call__(self, x: Point) -> Value:
        value = jnp.sum(self._along(self.directions @ x)) + self.linear @ x
        curvature = self._curvature()
        return (value + (x @ curvature @ x - jnp.trace(curvature)) / 2)[None]

    def derivatives(self, x: Point, metric: Float[Array, "d d"]) -> tuple[Point, Scalar]:
        """The gradient, and the product G : H of a symmetric matrix and the second derivatives."""
        s = self.directions @ x
        slope = jax.jvp(self._along, (s,), (jnp.ones_like(s),))[1]
        bend = jax.jvp(
            lambda s: jax.jvp(self._along, (s,), (jnp.ones_like(s),))[1], (s,), (jnp.ones_like(s),)
        )[1]
        curvature = self._curvature()
        gradient = slope @ self.directions + self.linear + curvature @ x
        lengths = jnp.sum((self.directions @ metric) * self.directions, axis=1)
        return gradient, bend @ lengths + jnp.sum(curvature * metric)

    def _along(self, s: Float[Array, " m"]) -> Float[Array, " m"]:
        """The function of each projection."""
        nodes, widths = _nodes(self.num_bumps)
        scaled = s[:, None] - jnp.asarray(nodes, s.dtype)[None]
        scaled = scaled / jnp.asarray(widths, s.dtype)[None]
        # Hermite polynomials of degree 3 and 4, of size 1 for a normal density.
        tails = (s**3 - 3 * s) / 6**0.5, (s**4 - 6 * s**2 + 3) / 24**0.5
        functions = jnp.concatenate([jnp.exp(-(scaled**2) / 2), jnp.stack(tails, 1)], axis=1)
        return jnp.sum(self.coefficients * functions, axis=1)

    def _curvature(self) -> Float[Array, "d d"]:
        """The second derivatives of the polynomial."""
        if not self.products:
            return jnp.diag(2 * self.quadratic)
        rows, columns = np.tril_indices(self.dimension)
        lower = jnp.zeros((self.dimension,) * 2, self.quadratic.dtype)
        lower = lower.at[rows, columns].set(self.quadratic)
        return lower + lower.T


def _nodes(count: int) -> tuple[np.ndarray, np.ndarray]:
    """The centres and the widths of the bumps."""
    s = np.linspace(-1, 1, count)
    stretch = REACH / np.sinh(DENSER)
    return stretch * np.sinh(DENSER * s), stretch * DENSER * np.cosh(DENSER * s) * (s[1] - s[0])
