"""Fokker-Planck equations from plain functions."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ..calculus import L2, AbstractInnerProduct
from ..densities import DiffusionProcess, GaussianMixture
from ..domains import Euclidean
from ..errors import InputError, check_positive, finite_array
from ..types import Point, Reference, Time
from ._base import traced
from ._density import AbstractDensityProblem
from ._functions import check_function, words

# A number, a matrix, or a function of (t, x) that returns one of them.
Diffusion = ArrayLike | Callable[[Time, Point], Array]


class FokkerPlanck(AbstractDensityProblem):
    r"""The density u of $dX = b(t, X) \, dt + \sqrt{2 D(t, X)} \, dW$ in R^d, in the sense of Ito.

    $u_t = -\nabla \cdot (b u) + \sum_{ij} \partial_i \partial_j (D_{ij} u)$. By default its
    logarithm is a network, and the points of the least squares are particles of the process.

    **Arguments:**

    - `drift`: b, a function of (t, x), length / time, shape (d,).
    - `diffusion`: D, length^2 / time: a number, a symmetric positive semidefinite matrix (d, d), or
      a function of (t, x) that returns one of them.
    - `initial`: u at ts[0], a `Gaussian` or a `GaussianMixture`, in length.
    - `reference`: a function of (t, points of shape (n, d)) with values of shape (n, 1), with which
      errors compare; none if not given.
    - `name`: for reports and pictures.

    **Raises:** `InputError` for a drift or diffusion of another shape, a matrix that is not
    symmetric and positive semidefinite, or an initial value of another kind.

    Source: Risken, "The Fokker-Planck equation", 1989, chapter 4.

    ```python
    well = nivp.FokkerPlanck(lambda t, x: x - x**3, 0.2, nivp.Gaussian([0.3, -0.2], 0.1))
    well.initial(jnp.zeros(2))  # the density there, of shape (1,)
    ```
    """

    drift: Callable[[Time, Point], Array]
    diffusion: Float[Array, "d d"] | Callable[[Time, Point], Array]
    initial_density: GaussianMixture
    domain: Euclidean
    boundary = None
    norm: AbstractInnerProduct
    given_reference: Reference | None = eqx.field(static=True)
    given_name: str = eqx.field(static=True)

    def __init__(
        self,
        drift: Callable[[Time, Point], Array],
        diffusion: Diffusion,
        initial: GaussianMixture,
        *,
        reference: Reference | None = None,
        name: str = "Fokker-Planck equation",
    ):
        if not isinstance(initial, GaussianMixture):
            raise InputError(
                "`initial` must be a density, `nivp.Gaussian(mean, covariance)` or a "
                f"`nivp.GaussianMixture`, got {initial!r}"
            )
        check_function("`drift`", drift, "t, x")
        self.given_name, _ = words(name, None, ("u",), reference)
        self.drift, self.initial_density, self.given_reference = drift, initial, reference
        d = initial.dimension
        _check_value("drift", drift, d, (d,))
        if callable(diffusion):
            check_function("`diffusion`", diffusion, "t, x")
            _check_value("diffusion", diffusion, d, (), (d, d))
            self.diffusion = diffusion
            _check_matrix(self._matrix(jnp.zeros(()), initial.mean))
        else:
            matrix = finite_array("diffusion", diffusion)
            if matrix.shape not in ((), (d, d)):
                raise InputError(
                    f"`diffusion` has shape {matrix.shape}, expected () or {(d, d)}: a number or a "
                    "matrix for the dimension of `initial`"
                )
            matrix = matrix * np.eye(d) if matrix.ndim == 0 else matrix
            _check_matrix(matrix)
            self.diffusion = jnp.asarray(matrix, float)
        spread = np.sqrt(np.diag(np.asarray(initial.covariance)))
        self.domain = Euclidean(d, centre=np.asarray(initial.mean).tolist(), scale=spread.tolist())
        self.norm = L2((1.0,))

    @property
    def name(self) -> str:
        return self.given_name

    @property
    def process(self) -> DiffusionProcess:
        constant = None if callable(self.diffusion) else self.diffusion
        parts = self.drift, self._matrix, constant, self.initial_density
        return DiffusionProcess(*parts)  # pyright: ignore[reportCallIssue]

    def _matrix(self, t: Time, x: Point) -> Float[Array, "d d"]:
        value = self.diffusion(t, x) if callable(self.diffusion) else self.diffusion
        value = jnp.asarray(value, x.dtype)
        return value * jnp.eye(x.size, dtype=x.dtype) if value.ndim == 0 else value

    def reference(self, t0: float) -> Reference | None:
        del t0
        return self.given_reference


def _check_value(name: str, function: Callable, d: int, *shapes: tuple[int, ...]) -> None:
    x, t = (jax.ShapeDtypeStruct(shape, jnp.result_type(float)) for shape in ((d,), ()))
    value = traced(name, function, t, x)
    number = jnp.issubdtype(value.dtype, jnp.floating) or jnp.issubdtype(value.dtype, jnp.integer)
    if jnp.shape(value) not in shapes or not number:
        wanted = " or ".join(str(shape) for shape in shapes)
        raise InputError(
            f"the value of `{name}` has shape {jnp.shape(value)} and dtype {value.dtype}, expected "
            f"real numbers of shape {wanted} for one point of shape ({d},)"
        )


def _check_matrix(matrix: ArrayLike) -> None:
    array = np.asarray(matrix)
    size = np.max(np.abs(array))
    if not np.all(np.isfinite(array)) or np.max(np.abs(array - array.T)) > 1e-12 * size:
        raise InputError(f"`diffusion` must be finite and symmetric, got {array.tolist()}")
    least = float(np.linalg.eigvalsh(array)[0])
    if least < -1e-12 * size:
        raise InputError(
            "`diffusion` must be positive semidefinite, got a matrix with the eigenvalue "
            f"{least:.3g}"
        )
    check_positive("diffusion", size, zero=True)
