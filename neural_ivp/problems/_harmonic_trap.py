"""The density of interacting particles in a moving harmonic trap."""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ..boundary import Dirichlet
from ..calculus import L2, AbstractInnerProduct
from ..densities import DiffusionProcess
from ..domains import AbstractDomain, Euclidean
from ..errors import check_count, check_positive, check_shape
from ..types import Point, Reference, Scalar, Time
from ._density import AbstractDensityProblem


class HarmonicTrap(AbstractDensityProblem):
    r"""The harmonic trap: $u_t = -\nabla \cdot (b u) + \beta^{-1} \Delta u$.

    $b_i = a(t) - x_i - \alpha (x_i - \bar x)$ with the mean coordinate $\bar x$ and the trap at
    $a(t) = 1.25 (\sin \pi t + 1.5)$. The solution is a normal density; the reference is
    `neural_ivp.references.fokker_planck_solution`.

    **Arguments:**

    - `dimension`: d, if no `domain` is given.
    - `interaction`: alpha, 1 / time, not negative.
    - `inverse_temperature`: beta, time / length^2, positive.
    - `variance`: of the initial density N(mean, variance I), length^2, positive.
    - `mean`: of the initial density, shape (d,); evenly spaced from 0.9 to 3 if not given.
    - `domain`: all of R^d if not given; in a box that contains the mass u = 0 at the boundary.

    **Raises:** `InputError` for a coefficient out of range or a mean of another shape.

    Source: Bruna, Peherstorfer & Vanden-Eijnden, "Neural Galerkin schemes", 2022.

    ```python
    problem = nivp.problems.HarmonicTrap(2)
    problem.initial(jnp.array([0.9, 3.0]))  # the density, of shape (1,)
    ```
    """

    dimension: int = eqx.field(static=True)
    interaction: Float[Array, ""]
    inverse_temperature: Float[Array, ""]
    variance: Float[Array, ""]
    mean: Float[Array, " d"]
    domain: AbstractDomain
    boundary: Dirichlet | None
    norm: AbstractInnerProduct

    def __init__(
        self,
        dimension: int = 2,
        *,
        interaction: ArrayLike = 0.25,
        inverse_temperature: ArrayLike = 100.0,
        variance: ArrayLike = 0.1,
        mean: ArrayLike | None = None,
        domain: AbstractDomain | None = None,
    ):
        check_count("dimension", dimension)
        self.dimension = dimension if domain is None else domain.dimension
        check_positive("interaction", interaction, zero=True)
        check_positive("inverse_temperature", inverse_temperature)
        check_positive("variance", variance)
        self.interaction = jnp.asarray(interaction, float)
        self.inverse_temperature = jnp.asarray(inverse_temperature, float)
        self.variance = jnp.asarray(variance, float)
        default = mean is None
        self.mean = jnp.linspace(0.9, 3.0, self.dimension) if default else jnp.asarray(mean, float)
        check_shape("`mean`", self.mean.shape, (self.dimension,), "give one number per dimension")
        spread = float(np.sqrt(np.max(np.asarray(variance))))
        around = Euclidean(self.dimension, centre=np.asarray(self.mean).tolist(), scale=spread)
        self.domain = around if domain is None else domain
        self.boundary = Dirichlet(0.0) if self.domain.faces else None
        self.norm = L2((1.0,))

    def trap(self, t: Time) -> Scalar:
        """a(t), every coordinate of the centre of the trap."""
        return 1.25 * (jnp.sin(math.pi * t) + 1.5)

    @property
    def process(self) -> DiffusionProcess:
        variances = jnp.broadcast_to(self.variance, (self.dimension,))
        diffusion = 1 / self.inverse_temperature
        return DiffusionProcess.isotropic(self._drift, diffusion, self.mean, variances)

    def _drift(self, t: Time, x: Point) -> Point:
        return self.trap(t) - x - self.interaction * (x - jnp.mean(x))

    def reference(self, t0: float) -> Reference:
        """The normal density, by ordinary differential equations of its moments."""
        from ..references import fokker_planck_solution

        density = fokker_planck_solution(
            dimension=self.dimension,
            mean0=np.asarray(self.mean, float),
            variance0=float(self.variance),
            alpha=float(self.interaction),
            beta=float(self.inverse_temperature),
            drift=lambda t: 1.25 * (np.sin(np.pi * t) + 1.5),
            t0=t0,
        )
        return lambda t, points: density(t, points)[:, None]
