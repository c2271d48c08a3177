"""Diffusion of a wide bump in all of R^d."""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ..calculus import L2, AbstractInnerProduct
from ..densities import DiffusionProcess
from ..domains import Euclidean
from ..errors import InputError, check_count, check_positive
from ..types import Point, Time, Value
from ._base import AbstractExactProblem
from ._density import AbstractDensityProblem


class HeatSpace(AbstractDensityProblem, AbstractExactProblem):
    r"""$u_t = \kappa \Delta u$ in R^d from $u_0 = \exp(-|x|^2 / (2 d))$.

    The exact solution is $(1 + 2 \kappa t / d)^{-d/2} \exp(-|x|^2 / (2 (d + 2 \kappa t)))$: the
    density of a Wiener process, times the mass $(2 \pi d)^{d/2}$.

    **Arguments:**

    - `dimension`: d. Good values: up to 100. The mass exceeds the largest number above d of about
      200, and in float32 above 33.
    - `diffusivity`: kappa, length^2 / time, positive.

    **Raises:** `InputError` for a diffusivity that is not positive, or a dimension too large for
    the mass.

    Source: Evans, "Partial differential equations", 2010, section 2.3.

    ```python
    problem = nivp.problems.HeatSpace(3)
    problem.exact(jnp.array(0.5), jnp.zeros(3))  # (3 / 4) ** 1.5, of shape (1,)
    ```
    """

    dimension: int = eqx.field(static=True)
    diffusivity: Float[Array, ""]
    domain: Euclidean
    boundary = None
    norm: AbstractInnerProduct

    def __init__(self, dimension: int = 10, *, diffusivity: ArrayLike = 1.0):
        check_count("dimension", dimension)
        check_positive("diffusivity", diffusivity)
        self.dimension = dimension
        self.diffusivity = jnp.asarray(diffusivity, float)
        largest = float(jnp.finfo(self.diffusivity.dtype).max)
        if self._log_mass > math.log(largest):
            raise InputError(
                f"`dimension` is {dimension}, for which the mass exp({self._log_mass:.0f}) is "
                f"beyond the largest number, {largest:.1e}: take a smaller one"
            )
        self.domain = Euclidean(dimension, scale=math.sqrt(dimension))
        self.norm = L2((1.0,))

    @property
    def _log_mass(self) -> float:
        return self.dimension / 2 * math.log(2 * math.pi * self.dimension)

    @property
    def process(self) -> DiffusionProcess:
        d, mass = self.dimension, np.exp(self._log_mass)
        start = jnp.zeros(d), jnp.full(d, float(d))
        return DiffusionProcess.isotropic(self._drift, self.diffusivity, *start, mass)

    def _drift(self, t: Time, x: Point) -> Point:
        return jnp.zeros_like(x)

    def exact(self, t: Time, x: Point) -> Value:
        d, more = self.dimension, 2 * self.diffusivity * t
        log_u = -d / 2 * jnp.log1p(more / d) - jnp.sum(x**2) / (2 * (d + more))
        return jnp.exp(log_u)[None]
