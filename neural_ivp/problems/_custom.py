"""A problem from plain functions."""

from collections.abc import Callable, Mapping

import equinox as eqx
import jax
import jax.numpy as jnp

from ..calculus import L2, AbstractInnerProduct
from ..data import GriddedData
from ..domains import AbstractDomain
from ..errors import InputError, check_shape
from ..types import Field, Point, Scalar, Value
from ._base import AbstractProblem, Density, check_problem


class Problem(AbstractProblem):
    """u_t = rhs(u, t, x) with u(ts[0], x) = initial(x), from plain functions of one point.

    For derivatives with respect to a coefficient write a subclass of `AbstractProblem`.

    **Arguments:**

    - `domain`: a `Box` or a `Torus`.
    - `initial`: x of shape (d,) to u of shape (c,), which sets c: a function, `GriddedData` or a
      network (`fit` gives one of `ScatteredData`).
    - `rhs`: (u, t, x) to u_t of shape (c,); u is the field u(t, .), to be differentiated by `grad`,
      `divergence`, `laplacian`, `hessian` and `partial`.
    - `zero_boundary`: whether u = 0 on the boundary of a box, enforced by the network.
    - `norm`: norm of residuals and errors, `L2` with scales of one if not given. Good values: an
      `L2` with the typical sizes of components of different units.
    - `invariants`: densities whose integrals over the domain the equation conserves, by name:
      functions of (u, x) that return one number. Steps record them, and
      `NeuralIVP(conserve=("mass",))` conserves them.

    **Raises:** `InputError` for unsuitable shapes, or `zero_boundary` on a torus.

    ```python
    fisher = nivp.Problem(
        domain=nivp.Torus((1.0,)), initial=lambda x: jnp.sin(jnp.pi * x) ** 2,
        rhs=lambda u, t, x: 0.1 * nivp.laplacian(u)(x) + u(x) * (1 - u(x)))
    ```
    """

    domain: AbstractDomain
    # Not static: a network and `GriddedData` contain arrays.
    initial_function: Callable[[Point], Value]
    rhs_function: Callable[[Field, Scalar, Point], Value]
    components: int = eqx.field(static=True)
    zero_boundary: bool = eqx.field(static=True)
    norm: AbstractInnerProduct
    densities: Mapping[str, Density]

    def __init__(
        self,
        *,
        domain: AbstractDomain,
        initial: Callable[[Point], Value],
        rhs: Callable[[Field, Scalar, Point], Value],
        zero_boundary: bool = False,
        norm: AbstractInnerProduct | None = None,
        invariants: Mapping[str, Density] | None = None,
    ):
        if not isinstance(domain, AbstractDomain):
            raise InputError(
                "`domain` must be a domain, such as nivp.Box((0.0,), (1.0,)) or nivp.Torus((1.0,)),"
                f" got {domain!r}"
            )
        if not isinstance(zero_boundary, bool):
            raise InputError(
                f"`zero_boundary` must be True or False, for all of the boundary, got "
                f"{zero_boundary!r}: no other condition can be imposed"
            )
        if zero_boundary and domain.periods is not None:
            raise InputError("`zero_boundary=True` needs a box; a torus has no boundary")
        self.domain, self.zero_boundary = domain, zero_boundary
        self.initial_function, self.rhs_function = initial, rhs
        if not callable(initial):
            raise InputError(
                f"`initial` must be a function of one point, got {type(initial).__name__}: wrap an "
                "array in `GriddedData`, fit `ScatteredData` samples by `fit` and give its network"
            )
        if isinstance(initial, GriddedData) and initial.domain != domain:
            raise InputError(
                f"`initial` has values on another domain ({initial.domain}) than `domain`, {domain}"
            )
        x = jax.ShapeDtypeStruct((domain.dimension,), jnp.result_type(float))
        value = jax.eval_shape(initial, x)
        if not hasattr(value, "shape"):
            raise InputError(
                f"the value of `initial` is a {type(value).__name__}: return one array, e.g. "
                "jnp.stack([u, v])"
            )
        if jnp.ndim(value) != 1:
            raise InputError(
                f"the value of `initial` has shape {jnp.shape(value)}, expected (components,): "
                "return an array of one dimension for one point, e.g. jnp.array([value])"
            )
        self.components = value.shape[0]
        self.norm = L2((1.0,) * self.components) if norm is None else norm
        fix = "one typical size for each component"
        check_shape("`norm.scales`", self.norm.scales.shape, (self.components,), fix)
        # Sorted, as JAX sorts a dict that goes through a compiled function.
        self.densities = dict(sorted((invariants or {}).items()))
        check_problem(self)

    @property
    def invariants(self) -> Mapping[str, Density]:
        return self.densities

    def initial(self, x: Point) -> Value:
        return self.initial_function(x)

    def rhs(self, u: Field, t: Scalar, x: Point) -> Value:
        return self.rhs_function(u, t, x)
