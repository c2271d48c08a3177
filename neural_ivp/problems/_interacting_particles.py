"""The joint density of particles on the line that repel each other."""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ..calculus import L2, AbstractInnerProduct
from ..densities import DiffusionProcess
from ..domains import Euclidean
from ..errors import check_count, check_finite, check_positive
from ..types import Point, Time
from ._density import AbstractDensityProblem


class InteractingParticles(AbstractDensityProblem):
    r"""d particles on the line: $u_t = -\nabla \cdot (b u) + D \Delta u$, u their joint density.

    $b_i = -\kappa x_i + A / r^2 \sum_{j \ne i} (x_i - x_j) \exp(-(x_i - x_j)^2 / (2 r^2))$: a trap,
    and repulsion by a Gaussian pair potential of height A. No reference is known; compare marginals
    with `Solution.sample`, which does not use the network.

    **Arguments:**

    - `dimension`: d, the number of particles.
    - `strength`: A, length^2 / time, not negative.
    - `radius`: r, length, positive. Good values: about the distance of neighbours. Where A is much
      larger than D, the density is next to nothing where particles meet, along
      $x_i = x_j$: its logarithm is then hard to follow.
    - `confinement`: kappa, 1 / time, positive.
    - `diffusion`: D, length^2 / time, positive.
    - `variance`: of the initial density, length^2, positive. Its mean has the particles evenly
      spaced from -1 to 1.

    **Raises:** `InputError` for a coefficient out of range.

    Source: Boffi & Vanden-Eijnden, "Probability flow solution of the Fokker-Planck equation", 2023.

    ```python
    problem = nivp.problems.InteractingParticles(2)
    problem.initial(jnp.array([-1.0, 1.0]))  # the density, of shape (1,)
    ```
    """

    dimension: int = eqx.field(static=True)
    strength: Float[Array, ""]
    radius: Float[Array, ""]
    confinement: Float[Array, ""]
    diffusion: Float[Array, ""]
    variance: Float[Array, ""]
    domain: Euclidean
    boundary = None
    norm: AbstractInnerProduct

    def __init__(
        self,
        dimension: int = 4,
        *,
        strength: ArrayLike = 0.5,
        radius: ArrayLike = 0.5,
        confinement: ArrayLike = 1.0,
        diffusion: ArrayLike = 0.2,
        variance: ArrayLike = 0.1,
    ):
        check_count("dimension", dimension)
        check_positive("strength", strength, zero=True)
        check_finite("strength", strength)
        given = {"radius": radius, "confinement": confinement}
        for name, value in (given | {"diffusion": diffusion, "variance": variance}).items():
            check_positive(name, value)
        self.dimension = dimension
        self.strength, self.radius = jnp.asarray(strength, float), jnp.asarray(radius, float)
        self.confinement = jnp.asarray(confinement, float)
        self.diffusion, self.variance = jnp.asarray(diffusion, float), jnp.asarray(variance, float)
        spread = math.sqrt(float(self.variance))
        self.domain = Euclidean(dimension, centre=self._places.tolist(), scale=spread)
        self.norm = L2((1.0,))

    @property
    def _places(self) -> np.ndarray:
        """The mean of the particles at first."""
        return np.linspace(-1.0, 1.0, self.dimension) if self.dimension > 1 else np.zeros(1)

    @property
    def process(self) -> DiffusionProcess:
        variances = jnp.broadcast_to(self.variance, (self.dimension,))
        places = jnp.asarray(self._places, float)
        return DiffusionProcess.isotropic(self._drift, self.diffusion, places, variances)

    def _drift(self, t: Time, x: Point) -> Point:
        apart = (x[:, None] - x[None]) / self.radius
        push = jnp.sum(apart * jnp.exp(-(apart**2) / 2), axis=1)
        return -self.confinement * x + self.strength / self.radius * push
