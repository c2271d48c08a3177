"""The density of a process in double wells along hidden axes."""

import functools
import math
from typing import TYPE_CHECKING

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ..calculus import L2, AbstractInnerProduct
from ..densities import DiffusionProcess
from ..domains import Euclidean
from ..errors import check_count, check_finite, check_positive, check_shape, finite_array
from ..types import Point, Reference, Time
from ._density import AbstractDensityProblem

if TYPE_CHECKING:
    from ..references import RotatedProduct

# Hidden coordinates of the initial mean, repeated.
MEANS = (-0.4, 0.0, 0.3, 0.6, 0.9)
SEED = 20


class DoubleWells(AbstractDensityProblem):
    r"""Double wells: $u_t = \nabla \cdot (u \nabla V) + D \Delta u$ in R^d.

    In the hidden coordinates $y = Q^T x$, $V = \sum_i (y_i^2 - 1)^2 / 4 + c \sum_k (y_{2k-1} -
    y_{2k})^2$; an odd last one is in no pair. Q is a fixed orthogonal matrix, `rotation`. The
    density splits along each axis of y, into $2^d$ peaks. The reference solves one equation in the
    plane for each pair, or on the line for each axis without coupling, by finite volumes
    (`neural_ivp.references.RotatedProduct`).

    **Arguments:**

    - `dimension`: d. In one dimension x = y.
    - `coupling`: c, not negative. Good values: 0 and 1/4. Above 1/6 a pair has no wells of opposite
      signs any more, and two are left of four. Where it is large, y_{2k-1} - y_{2k} is stiff.
    - `diffusion`: D, length^2 / time, positive. Good values: 0.1 to 0.5. Below 0.05 the peaks are
      narrow and the density between them is next to nothing: its logarithm is then hard to follow.
    - `variance`: of the initial density N(Q mean, variance I), length^2, positive.
    - `mean`: in hidden coordinates, shape (d,); -0.4, 0, 0.3, 0.6, 0.9 and so on if not given.

    **Raises:** `InputError` for a coefficient out of range or a mean of another shape.

    Source: Risken, "The Fokker-Planck equation", 1989, section 5.10.

    ```python
    problem = nivp.problems.DoubleWells(2, coupling=0.25)
    problem.initial(problem.rotation @ jnp.array([-0.4, 0.0]))  # the density, of shape (1,)
    ```
    """

    dimension: int = eqx.field(static=True)
    coupling: Float[Array, ""]
    diffusion: Float[Array, ""]
    variance: Float[Array, ""]
    mean: Float[Array, " d"]
    domain: Euclidean
    boundary = None
    norm: AbstractInnerProduct

    def __init__(
        self,
        dimension: int = 4,
        *,
        coupling: ArrayLike = 0.0,
        diffusion: ArrayLike = 0.2,
        variance: ArrayLike = 0.15,
        mean: ArrayLike | None = None,
    ):
        check_count("dimension", dimension)
        check_positive("coupling", coupling, zero=True)
        check_finite("coupling", coupling)
        check_positive("diffusion", diffusion)
        check_positive("variance", variance)
        self.dimension = dimension
        self.coupling = jnp.asarray(coupling, float)
        self.diffusion, self.variance = jnp.asarray(diffusion, float), jnp.asarray(variance, float)
        hidden = np.resize(MEANS, dimension) if mean is None else finite_array("mean", mean)
        check_shape("`mean`", hidden.shape, (dimension,), "give one number per dimension")
        self.mean = jnp.asarray(hidden, float)
        centre, spread = (self.rotation @ hidden).tolist(), math.sqrt(float(self.variance))
        self.domain = Euclidean(dimension, centre=centre, scale=spread)
        self.norm = L2((1.0,))

    @property
    def rotation(self) -> np.ndarray:
        """Q, x = Q y: random, with numpy's generator of the seed 20; 1 in one dimension."""
        return _rotation(self.dimension)

    @property
    def process(self) -> DiffusionProcess:
        centre = jnp.asarray(self.rotation, self.mean.dtype) @ self.mean
        variances = jnp.broadcast_to(self.variance, (self.dimension,))
        return DiffusionProcess.isotropic(self._drift, self.diffusion, centre, variances)

    def _drift(self, t: Time, x: Point) -> Point:
        Q = jnp.asarray(self.rotation, x.dtype)
        y = Q.T @ x
        paired = y[: self.dimension // 2 * 2].reshape(-1, 2)
        apart = 2 * self.coupling * (paired - paired[:, ::-1]).reshape(-1)
        slope = (y**3 - y).at[: apart.size].add(apart.astype(x.dtype))
        return -Q @ slope

    def density(self) -> "RotatedProduct":
        """The exact density and its marginals; its times start at zero. Equal factors are one."""
        from ..references import RotatedProduct

        coupled = float(self.coupling) > 0
        axes, size = range(self.dimension), 2 if coupled else 1
        blocks = [tuple(axes[k : k + size]) for k in axes[::size]]
        hidden = np.asarray(self.mean, float)
        starts = [tuple(hidden[list(block)].tolist()) for block in blocks]
        made = {start: self._factor(start) for start in set(starts)}
        return RotatedProduct([made[start] for start in starts], self.rotation, blocks)

    def _factor(self, start: tuple[float, ...]):
        from ..references import LineDensity, PlaneDensity

        c, D, variance = (float(v) for v in (self.coupling, self.diffusion, self.variance))
        # At the ends the potential is 32 D and the start 9 standard deviations.
        reach = 1 + (128 * D) ** 0.25, max(map(abs, start)) + 9 * math.sqrt(variance)
        end = max(4.0, *reach)

        def initial(*y):
            square = sum((part - centre) ** 2 for part, centre in zip(y, start, strict=True))
            return np.exp(-square / (2 * variance)) / (2 * math.pi * variance) ** (len(start) / 2)

        if len(start) == 1:
            return LineDensity(lambda y: y - y**3, D, initial, -end, end)

        def potential(a, b):
            return ((a**2 - 1) ** 2 + (b**2 - 1) ** 2) / 4 + c * (a - b) ** 2

        return PlaneDensity(potential, D, initial, [-end] * 2, [end] * 2)

    def reference(self, t0: float) -> Reference:
        """The exact density, made when it is first called."""
        density = functools.cache(self.density)

        def evaluate(t, points):
            return np.exp(density().log_density(t - t0, np.asarray(points, float)))[:, None]

        return evaluate


@functools.cache
def _rotation(dimension: int) -> np.ndarray:
    """Q of the QR factorisation of a matrix of normal numbers, with a positive diagonal of R."""
    if dimension == 1:
        return np.ones((1, 1))
    Q, R = np.linalg.qr(np.random.default_rng(SEED).standard_normal((dimension, dimension)))
    Q = Q * np.sign(np.diagonal(R))
    Q.setflags(write=False)
    return Q
