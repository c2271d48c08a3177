"""The logarithm of a density: normal densities that move, and a network on top."""

from collections.abc import Sequence
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from ..calculus import second_along
from ..densities import GaussianMixture, log_mixture
from ..errors import check_all_positive, check_count
from ..types import Point, Scalar, Value
from ._base import AbstractNetwork, flatten
from ._ridge_sum import RidgeSum


class GaussianFrame(AbstractNetwork):
    r"""$\phi = \log u = \log \sum_k w_k N(x; m_k, L_k L_k^T) + N_\theta(z) + c$.

    $z = L^{-1} (x - m)$ with mean m and covariance $L L^T$ of the mixture, so that the inner
    network sees points of mean 0 and covariance 1. The parameters are those of N, c, and $m_k$ and
    $L_k$, whose velocities the trial function gives (`neural_ivp.trials.LogDensity`).

    **Arguments:**

    - `inner`: the network N, a `RidgeSum` of the same dimension.
    - `dimension`: d.
    - `weights`: w, one positive number for each part; their sum is the mass.
    - `moving`: whether the parts follow the process; else the network does all of it.

    **Returns:** called with a point of shape (d,), log u of shape (1,). All parts are standard
    normal densities at first; `of` makes a frame of a `GaussianMixture`.

    **Raises:** `InputError` for a dimension below one or weights that are not positive.

    ```python
    inner = nivp.RidgeSum(2, num_directions=4, key=jax.random.key(0))
    nivp.GaussianFrame.of(inner, nivp.Gaussian([0.0, 0.0], 1.0))(jnp.zeros(2))  # log density
    ```
    """

    inner: RidgeSum
    constant: Scalar
    weights: tuple[float, ...] = eqx.field(static=True)
    moving: bool = eqx.field(static=True)
    means: Float[Array, "k d"]
    factors: Float[Array, "k d d"]
    log_density: ClassVar[bool] = True

    def __init__(
        self,
        inner: RidgeSum,
        dimension: int,
        weights: Sequence[float] = (1.0,),
        *,
        moving: bool = True,
    ):
        check_count("dimension", dimension)
        check_all_positive("weights", weights)
        dtype, k = flatten(inner)[0].dtype, len(weights)
        self.inner, self.weights = inner, tuple(float(weight) for weight in weights)
        self.moving = moving
        self.constant = jnp.zeros((), dtype)
        self.means = jnp.zeros((k, dimension), dtype)
        self.factors = jnp.broadcast_to(jnp.eye(dimension, dtype=dtype), (k, dimension, dimension))

    @classmethod
    def of(
        cls, inner: RidgeSum, mixture: GaussianMixture, *, moving: bool = True
    ) -> "GaussianFrame":
        """A network on top of a mixture."""
        weights = np.asarray(mixture.weights).tolist()
        new = cls(inner, mixture.dimension, weights, moving=moving)
        places = mixture.means.astype(new.means.dtype), mixture.factors.astype(new.means.dtype)
        return eqx.tree_at(lambda net: (net.means, net.factors), new, places)

    @property
    def dimension(self) -> int:
        return self.means.shape[1]

    @property
    def log_weights(self) -> Float[Array, " k"]:
        return jnp.log(jnp.asarray(self.weights, self.means.dtype))

    @property
    def trainable(self) -> PyTree:
        return (*self.inner.trainable, self.constant, self.means, self.factors)

    @property
    def held(self) -> PyTree:
        return (*self.inner.held, self.means, self.factors)

    @property
    def head(self) -> PyTree:
        return (*self.inner.head, self.constant)

    def reinitialised(self, key: PRNGKeyArray) -> "GaussianFrame":
        inner = self.inner.reinitialised(key)
        return eqx.tree_at(lambda net: net.inner, self, inner)

    def with_directions(self, rows: Float[Array, "m d"]) -> "GaussianFrame":
        """The same with further directions of the inner network; their coefficients are zero."""
        inner = self.inner.along(jnp.concatenate([self.inner.directions, rows]))
        return eqx.tree_at(lambda net: net.inner, self, inner)

    def frame(self, x: Point) -> Scalar:
        """The logarithm of the mixture."""
        return log_mixture(self.log_weights, self.means, self.factors, x)

    def moments(self) -> tuple[Float[Array, " d"], Float[Array, "d d"]]:
        """The mean and the lower triangular factor of the covariance of the mixture."""
        if len(self.means) == 1:
            return self.means[0], self.factors[0]
        weights = jnp.asarray(self.weights, self.means.dtype) / sum(self.weights)
        mean = weights @ self.means
        off = self.means - mean[None]
        inner = self.factors @ jnp.swapaxes(self.factors, 1, 2) + off[:, :, None] * off[:, None]
        return mean, jnp.linalg.cholesky(jnp.tensordot(weights, inner, 1))

    def whitened(self, x: Point) -> Point:
        """z."""
        mean, factor = self.moments()
        return solve_triangular(factor, x - mean, lower=True)

    def __call__(self, x: Point) -> Value:
        mean, factor = self.moments()
        z = solve_triangular(factor, x - mean, lower=True)
        return self._inner(factor)(z) + self.frame(x) + self.constant

    def derivatives(self, x: Point, root: Float[Array, "d d"]) -> tuple[Point, Scalar]:
        r"""The gradient of $\phi$, and the sum of its second derivatives along the columns of R.

        In z, where those of a single normal density are -z and the negative unit matrix.
        """
        mean, factor = self.moments()
        z = solve_triangular(factor, x - mean, lower=True)
        columns = solve_triangular(factor, root, lower=True)
        metric = columns @ columns.T
        slope, second = self._inner(factor).derivatives(z, metric)
        if len(self.means) == 1:
            slope, second = slope - z, second - jnp.trace(metric)
            return solve_triangular(factor, slope, lower=True, trans=1), second
        slope = solve_triangular(factor, slope, lower=True, trans=1) + jax.grad(self.frame)(x)
        return slope, second + second_along(self.frame, root, x)

    def _inner(self, factor: Float[Array, "d d"]) -> RidgeSum:
        # Directions are those of space: the frame may turn and shear.
        return self.inner.seen_from(factor)
