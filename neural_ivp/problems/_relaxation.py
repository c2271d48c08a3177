"""The density of a process that relaxes in a double well on the line."""

import functools
import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ..calculus import L2, AbstractInnerProduct
from ..densities import DiffusionProcess
from ..domains import Euclidean
from ..errors import check_finite, check_positive
from ..types import Point, Reference, Time
from ._density import AbstractDensityProblem


class Relaxation(AbstractDensityProblem):
    r"""Relaxation in a double well: $u_t = -((a x - x^3 / 2) u)_x + D u_{xx}$ on the line.

    The start is narrow and in one well, the stationary density $\exp((a x^2 / 2 - x^4 / 8) / D)$
    is even. The reference is by finite volumes (`neural_ivp.references.LineDensity`).

    **Arguments:**

    - `a`: 1 / time. The wells are at $\pm \sqrt{2 a}$; there is one, at 0, for a <= 0.
    - `diffusion`: D, length^2 / time, positive. The barrier is $a^2 / (2 D)$ times the energy of
      the noise. Good values: barriers of 0 to 5. Beyond, the mass that has not yet passed is next
      to nothing, and wells fill only after times of exp(barrier).
    - `mean`: of the initial density, length.
    - `variance`: of the initial density, length^2, positive.

    **Raises:** `InputError` for a coefficient that is not finite, or one that is not positive.

    Source: Risken, "The Fokker-Planck equation", 1989, section 5.10.

    ```python
    problem = nivp.problems.Relaxation(1.0)
    problem.initial(jnp.array([0.5]))  # the density, of shape (1,)
    ```
    """

    a: Float[Array, ""]
    diffusion: Float[Array, ""]
    mean: Float[Array, ""]
    variance: Float[Array, ""]
    domain: Euclidean
    boundary = None
    norm: AbstractInnerProduct

    def __init__(
        self,
        a: ArrayLike = 0.5,
        *,
        diffusion: ArrayLike = 0.125,
        mean: ArrayLike = 0.5,
        variance: ArrayLike = 0.01,
    ):
        check_finite("a", a)
        check_positive("diffusion", diffusion)
        check_finite("mean", mean)
        check_positive("variance", variance)
        self.a, self.diffusion = jnp.asarray(a, float), jnp.asarray(diffusion, float)
        self.mean, self.variance = jnp.asarray(mean, float), jnp.asarray(variance, float)
        spread = math.sqrt(float(self.variance))
        self.domain = Euclidean(1, centre=(float(self.mean),), scale=spread)
        self.norm = L2((1.0,))

    @property
    def process(self) -> DiffusionProcess:
        mean, variance = self.mean[None], self.variance[None]
        return DiffusionProcess.isotropic(self._drift, self.diffusion, mean, variance)

    def _drift(self, t: Time, x: Point) -> Point:
        return self.a * x - x**3 / 2

    def density(self):
        """The exact density, a `LineDensity`; its times start at zero."""
        from ..references import LineDensity

        a, D, mean, variance = (
            float(v) for v in (self.a, self.diffusion, self.mean, self.variance)
        )
        # At the ends the potential is some 32 D and the start 9 standard deviations.
        wells = math.sqrt(2 * max(a, 0.0)) + (256 * D) ** 0.25
        end = max(4.0, wells, abs(mean) + 9 * math.sqrt(variance))

        def initial(y):
            square = (y - mean) ** 2 / variance
            return np.exp(-square / 2) / math.sqrt(2 * math.pi * variance)

        return LineDensity(lambda y: a * y - y**3 / 2, D, initial, -end, end)

    def reference(self, t0: float) -> Reference:
        """The exact density, made when it is first called."""
        density = functools.cache(self.density)

        def evaluate(t, points):
            return density().density(t - t0, np.asarray(points, float))

        return evaluate
