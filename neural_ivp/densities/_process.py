"""Diffusion processes: the stochastic differential equation behind a Fokker-Planck equation."""

import math
from collections.abc import Callable
from typing import Any

import diffrax as dfx
import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray

from ..precision import compiled
from ..types import Point, Points, Scalar, Time
from ._gaussian_mixture import GaussianMixture

# Steps of the Euler-Maruyama method within a time step of the solve.
SUBSTEPS = 8
# Steps of a long walk that are made at a time, in one compiled program.
BLOCK = 50


class DiffusionProcess(eqx.Module):
    r"""$dX = b(t, X) \, dt + \sqrt{2 D(t, X)} \, dW$ in the sense of Ito, X of density u.

    - `drift`: b, a function of (t, x), shape (d,).
    - `diffusion`: D, a function of (t, x), a symmetric matrix (d, d).
    - `constant`: D where it depends on nothing; None otherwise.
    - `initial`: the density of X at first, a `GaussianMixture`.
    """

    drift: Callable[[Time, Point], Float[Array, " d"]]
    diffusion: Callable[[Time, Point], Float[Array, "d d"]]
    constant: Float[Array, "d d"] | None
    initial: GaussianMixture

    @classmethod
    def isotropic(
        cls,
        drift: Callable[[Time, Point], Float[Array, " d"]],
        diffusion: Scalar,
        mean: Float[Array, " d"],
        variances: Float[Array, " d"],
        mass: ArrayLike = 1.0,
    ) -> "DiffusionProcess":
        """Of constant diffusion D I, and a normal density with these variances at first."""
        constant = diffusion * jnp.eye(mean.size)
        initial = GaussianMixture(mean[None], jnp.diag(variances)[None], jnp.asarray(mass)[None])
        return cls(drift, _Constant(constant), constant, initial)

    def root(self, t: Time, x: Point) -> Float[Array, "d d"]:
        """The symmetric R with R R^T = D; NaN where D has a negative eigenvalue."""
        matrix = self.diffusion(t, x) if self.constant is None else self.constant
        return _root(matrix.astype(x.dtype))

    def move(
        self, points: Points, t0: Time, t1: Time, key: PRNGKeyArray, steps: int = SUBSTEPS
    ) -> Points:
        """Particles at t1 from those at t0, by equal Euler-Maruyama steps; shape (n, d)."""

        def drift(t, y, args: Any):
            del args
            return jax.vmap(lambda x: self.drift(t.astype(x.dtype), x))(y).astype(y.dtype)

        structure = jax.ShapeDtypeStruct(points.shape, points.dtype)

        def noise(t, y, args: Any):
            del args
            return lx.FunctionLinearOperator(lambda dw: self._spread(t, y, dw), structure)

        path = dfx.UnsafeBrownianPath(shape=structure, key=key)
        terms = dfx.MultiTerm(dfx.ODETerm(drift), dfx.ControlTerm(noise, path))
        moved = dfx.diffeqsolve(
            terms,
            dfx.Euler(),
            t0,
            t1,
            (t1 - t0) / steps,
            points,
            saveat=dfx.SaveAt(t1=True),
            max_steps=steps + 1,
            adjoint=dfx.DirectAdjoint(),
            throw=False,
        )
        assert moved.ys is not None
        return moved.ys[0]

    def walk(self, points: Points, t0: float, t1: float, key: PRNGKeyArray, steps: int) -> Points:
        """Particles at t1 from those at t0, by at least `steps` equal steps; not to be traced."""
        blocks = -(-steps // BLOCK)
        times = jnp.linspace(t0, t1, blocks + 1, dtype=points.dtype)
        for k in range(blocks):
            points = _move(self, points, times[k], times[k + 1], jax.random.fold_in(key, k))
        return points

    def _spread(self, t: Scalar, points: Points, dw: Points) -> Points:
        """Increments with the covariance 2 D dt from those of a Wiener process."""
        if self.constant is not None:
            return math.sqrt(2) * dw @ self.root(t, points[0]).T
        roots = jax.vmap(lambda x: self.root(t.astype(x.dtype), x))(points)
        return math.sqrt(2) * jnp.einsum("nij,nj->ni", roots, dw)


class _Constant(eqx.Module):
    """A function of (t, x) that is constant, and not compiled anew for another instance."""

    value: Array

    def __call__(self, t: Time, x: Point) -> Array:
        return self.value


@compiled
def _move(
    process: DiffusionProcess, points: Points, t0: Time, t1: Time, key: PRNGKeyArray
) -> Points:
    return process.move(points, t0, t1, key, BLOCK)


def _root(matrix: Float[Array, "d d"]) -> Float[Array, "d d"]:
    """A symmetric root of a positive semidefinite matrix; NaN for one that is not, beyond
    rounding, so that a solve fails where it would be wrong."""
    values, vectors = jnp.linalg.eigh(matrix)
    rounding = 100 * jnp.finfo(values.dtype).eps * jnp.max(jnp.abs(values))
    roots = jnp.sqrt(jnp.where(values < -rounding, jnp.nan, jnp.maximum(values, 0)))
    return (vectors * roots[None]) @ vectors.T
