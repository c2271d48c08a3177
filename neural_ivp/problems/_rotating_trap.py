"""The density of a process that turns in a harmonic trap."""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ..calculus import L2, AbstractInnerProduct
from ..densities import DiffusionProcess
from ..domains import Euclidean
from ..errors import (
    InputError,
    check_count,
    check_finite,
    check_positive,
    check_shape,
    finite_array,
)
from ..types import Point, Reference, Time
from ._density import AbstractDensityProblem


class RotatingTrap(AbstractDensityProblem):
    r"""Rotation in a harmonic trap: $u_t = -\nabla \cdot (A x u) + D \Delta u$ in R^d, d even.

    $A = -\gamma I + \omega J$, where J turns each of the planes $(x_1, x_2), (x_3, x_4), \dots$ by
    a right angle. No potential has this drift: detailed balance does not hold. The solution is a
    normal density, at first with the variances s, 2 s, s, 2 s, ... of the coordinates, so that the
    principal axes turn too; the reference is `neural_ivp.references.linear_moments`.

    **Arguments:**

    - `dimension`: d, even.
    - `rate`: gamma, 1 / time, not negative.
    - `rotation`: omega, radian / time. Good values: a few times the rate. Steps must resolve the
      turns: much faster ones need as many more steps.
    - `diffusion`: D, length^2 / time, positive.
    - `mean`: of the initial density, shape (d,); evenly spaced from 0.5 to 1.5 if not given.
    - `variance`: s, length^2, positive.

    **Raises:** `InputError` for an odd dimension, a coefficient out of range or a mean of another
    shape.

    Source: Risken, "The Fokker-Planck equation", 1989, section 6.5.

    ```python
    problem = nivp.problems.RotatingTrap(2, rotation=5.0)
    problem.initial(jnp.array([0.5, 1.5]))  # the density, of shape (1,)
    ```
    """

    dimension: int = eqx.field(static=True)
    rate: Float[Array, ""]
    rotation: Float[Array, ""]
    diffusion: Float[Array, ""]
    mean: Float[Array, " d"]
    variance: Float[Array, ""]
    domain: Euclidean
    boundary = None
    norm: AbstractInnerProduct

    def __init__(
        self,
        dimension: int = 8,
        *,
        rate: ArrayLike = 0.5,
        rotation: ArrayLike = 2.0,
        diffusion: ArrayLike = 0.1,
        mean: ArrayLike | None = None,
        variance: ArrayLike = 0.3,
    ):
        check_count("dimension", dimension, minimum=2)
        if dimension % 2:
            raise InputError(f"`dimension` must be even, for planes that turn, got {dimension}")
        check_positive("rate", rate, zero=True)
        check_finite("rate", rate)
        check_finite("rotation", rotation)
        check_positive("diffusion", diffusion)
        check_positive("variance", variance)
        self.dimension = dimension
        self.rate, self.rotation = jnp.asarray(rate, float), jnp.asarray(rotation, float)
        self.diffusion, self.variance = jnp.asarray(diffusion, float), jnp.asarray(variance, float)
        centre = np.linspace(0.5, 1.5, dimension) if mean is None else finite_array("mean", mean)
        check_shape("`mean`", centre.shape, (dimension,), "give one number per dimension")
        self.mean = jnp.asarray(centre, float)
        spread = [math.sqrt(k * float(self.variance)) for k in (1, 2)] * (dimension // 2)
        self.domain = Euclidean(dimension, centre=centre.tolist(), scale=spread)
        self.norm = L2((1.0,))

    @property
    def variances(self) -> Float[Array, " d"]:
        """Of the coordinates at first."""
        return self.variance * jnp.tile(jnp.array([1.0, 2.0]), self.dimension // 2)

    @property
    def process(self) -> DiffusionProcess:
        return DiffusionProcess.isotropic(self._drift, self.diffusion, self.mean, self.variances)

    def _drift(self, t: Time, x: Point) -> Point:
        planes = x.reshape(-1, 2)
        turned = jnp.stack([-planes[:, 1], planes[:, 0]], axis=1).reshape(-1)
        return -self.rate * x + self.rotation * turned

    def reference(self, t0: float) -> Reference:
        """The normal density, by ordinary differential equations of its moments."""
        from ..references import GaussianDensity, linear_moments

        unit, turn = np.eye(self.dimension), np.array([[0.0, -1.0], [1.0, 0.0]])
        blocks = np.kron(np.eye(self.dimension // 2), turn)

        def evaluate(t, points):
            means, covariances = linear_moments(
                [t],
                matrix=float(self.rotation) * blocks - float(self.rate) * unit,
                offset=lambda t: np.zeros(self.dimension),
                diffusion=float(self.diffusion) * unit,
                mean0=np.asarray(self.mean, float),
                covariance0=np.diag(np.asarray(self.variances, float)),
                t0=t0,
            )
            density = GaussianDensity(means[0], covariances[0])
            return np.exp(density.log_density(np.asarray(points, float)))[:, None]

        return evaluate
