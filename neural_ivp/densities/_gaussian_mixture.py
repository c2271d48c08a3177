"""Mixtures of normal densities."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray

from ..errors import (
    InputError,
    check_all_positive,
    check_count,
    check_largest,
    check_positive,
    check_shape,
    concrete,
    finite_array,
)
from ..types import Point, Points, Scalar


def log_normal(mean: Float[Array, " d"], factor: Float[Array, "d d"], x: Point) -> Scalar:
    r"""$\log N(x; m, L L^T)$ from m and the lower triangular L."""
    z = solve_triangular(factor, x - mean, lower=True)
    constant = -x.size / 2 * math.log(2 * math.pi)
    return constant - z @ z / 2 - jnp.sum(jnp.log(jnp.diagonal(factor)))


def log_mixture(
    log_weights: Float[Array, " k"],
    means: Float[Array, "k d"],
    factors: Float[Array, "k d d"],
    x: Point,
) -> Scalar:
    r"""$\log \sum_k w_k N(x; m_k, L_k L_k^T)$ from log w, m and the lower triangular L."""

    if len(means) == 1:
        return log_normal(means[0], factors[0], x) + log_weights[0]
    each = jax.vmap(lambda mean, factor: log_normal(mean, factor, x))(means, factors)
    return jax.scipy.special.logsumexp(each + log_weights)


class GaussianMixture(eqx.Module):
    r"""$u(x) = \sum_k w_k N(x; m_k, C_k)$.

    **Arguments:**

    - `means`: m, length, shape (k, d).
    - `covariances`: C, length^2, shape (k, d, d), positive definite.
    - `weights`: w, positive, shape (k,); equal ones of sum 1 if not given. Their sum is the mass,
      1 for a probability density.

    **Raises:** `InputError` for arrays of other shapes, weights that are not positive, or a
    covariance that is not symmetric and positive definite.

    ```python
    two = nivp.GaussianMixture([[-1.0], [1.0]], [[[0.1]], [[0.1]]])
    two.log_density(jnp.zeros(1))
    ```
    """

    means: Float[Array, "k d"]
    covariances: Float[Array, "k d d"]
    weights: Float[Array, " k"]

    def __init__(self, means: ArrayLike, covariances: ArrayLike, weights: ArrayLike | None = None):
        shape = np.shape(means)
        if len(shape) != 2 or 0 in shape:
            raise InputError(f"`means` has shape {shape}, expected (k, d)")
        k, d = shape
        weights = np.full(k, 1 / k) if weights is None else weights
        fix = "give one for each mean"
        check_shape("`covariances`", np.shape(covariances), (k, d, d), fix)
        check_shape("`weights`", np.shape(weights), (k,), fix)
        check_all_positive("weights", weights)
        if concrete("means", means) is not None:  # not while traced
            finite_array("means", means)
        if (matrices := concrete("covariances", covariances)) is not None:
            for matrix in finite_array("covariances", matrices):
                _check_covariance("covariances", matrix)
        self.means, self.covariances = jnp.asarray(means, float), jnp.asarray(covariances, float)
        self.weights = jnp.asarray(weights, float)

    @property
    def dimension(self) -> int:
        return self.means.shape[1]

    @property
    def mass(self) -> Scalar:
        return jnp.sum(self.weights)

    @property
    def factors(self) -> Float[Array, "k d d"]:
        """Lower triangular L with C = L L^T."""
        return jnp.linalg.cholesky(self.covariances)

    @property
    def mean(self) -> Float[Array, " d"]:
        """Of the normalised density."""
        return self.weights @ self.means / self.mass

    @property
    def covariance(self) -> Float[Array, "d d"]:
        """Of the normalised density."""
        off = self.means - self.mean[None]
        inner = self.covariances + off[:, :, None] * off[:, None, :]
        return jnp.tensordot(self.weights, inner, 1) / self.mass

    def log_density(self, x: Point) -> Scalar:
        """log u at one point of shape (d,)."""
        weights, means, factors = (
            part.astype(x.dtype) for part in (jnp.log(self.weights), self.means, self.factors)
        )
        return log_mixture(weights, means, factors, x)

    def sample(self, count: int, key: PRNGKeyArray) -> Points:
        """Independent points of the normalised density, shape (count, d)."""
        check_count("count", count)
        choice_key, normal_key = jax.random.split(key)
        dtype = self.means.dtype
        logits = jnp.log(self.weights)
        choice = jax.random.categorical(choice_key, logits, shape=(count,))  # pyright: ignore
        normal = jax.random.normal(normal_key, (count, self.dimension), dtype)
        return self.means[choice] + jnp.einsum("nij,nj->ni", self.factors[choice], normal)


def Gaussian(mean: ArrayLike, covariance: ArrayLike, *, mass: float = 1.0) -> GaussianMixture:
    """The normal density of a mean and a covariance.

    **Arguments:**

    - `mean`: length, shape (d,).
    - `covariance`: length^2, a positive number (times the unit matrix), positive numbers of shape
      (d,), the variances of independent coordinates, or a matrix (d, d).
    - `mass`: the integral of the density, positive.

    **Returns:** a `GaussianMixture` of one part.

    **Raises:** `InputError` as `GaussianMixture` does.

    ```python
    nivp.Gaussian([0.0, 1.0], 0.25).covariance  # 0.25 times the unit matrix
    ```
    """
    m, c = finite_array("mean", mean), finite_array("covariance", covariance)
    if m.ndim != 1 or not m.size:
        raise InputError(f"`mean` has shape {m.shape}, expected (d,)")
    d = len(m)
    check_largest("dimension", d, "the number of dimensions in `mean`")
    if c.ndim < 2:
        check_all_positive("covariance", c)
        c = np.diag(np.broadcast_to(c, (d,))) if c.ndim == 0 or c.shape == (d,) else c
    fix = "give one number, one for each axis, or a matrix"
    check_shape("`covariance`", c.shape, (d, d), fix)
    _check_covariance("covariance", c)
    check_positive("mass", mass)
    return GaussianMixture(m[None], c[None], np.asarray([mass], float))


def _check_covariance(name: str, matrix: np.ndarray) -> None:
    size = np.max(np.abs(matrix))
    if not np.allclose(matrix, matrix.T, rtol=0, atol=1e-12 * size):
        raise InputError(f"`{name}` must be symmetric, got {matrix.tolist()}")
    least = float(np.linalg.eigvalsh(matrix)[0])
    if not least > 0:
        raise InputError(
            f"`{name}` must be positive definite, got one with the eigenvalue {least:.3g}"
        )
