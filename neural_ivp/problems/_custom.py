"""A problem from plain functions."""

from collections.abc import Callable, Mapping, Sequence

import equinox as eqx

from ..boundary import BoundarySpec
from ..calculus import L2, AbstractInnerProduct
from ..domains import AbstractDomain
from ..errors import check_kind, check_shape
from ..types import Field, Point, Reference, Time, Value
from ._base import Density, check_problem, default_component_names
from ._functions import check_function, densities, num_components, size_of, words
from ._given import AbstractGivenProblem
from ._indices import check_indices


class Problem(AbstractGivenProblem):
    """u_t = rhs(u, t, x) with u(ts[0], x) = initial(x), from plain functions of one point.

    For derivatives with respect to a coefficient write a subclass of `AbstractProblem`.

    **Arguments:**

    - `domain`: a `Box`, a `Torus`, a `ProductDomain`, or a `Ball`, an `Annulus`, a `LevelSet`.
    - `initial`: x of shape (d,) to u of shape (c,), which sets c: a function, `GriddedData` or a
      network (`fit` gives one of `ScatteredData`).
    - `rhs`: (u, t, x) to u_t of shape (c,); u is the field u(t, .), to be differentiated by `grad`,
      `divergence`, `laplacian`, `hessian` and `partial`.
    - `boundary`: what holds on the faces of the domain: `Dirichlet`, `Neumann`, `Robin` or `Free`,
      or a tuple of one for each component; one for all faces, or a dict of them by the names in
      `domain.faces`. None on a domain without faces.
    - `norm`: norm of residuals and errors. Good values: an `L2` with the typical sizes of the
      components, where these differ or are far below one. If not given, an `L2` with scales of one,
      or of the largest initial value, to a power of ten, if that is above 10.
    - `invariants`: densities whose integrals over the domain the equation conserves, by name:
      functions of (u, x) that return one number. Steps record them, and
      `NeuralIVP(conserve=("mass",))` conserves them.
    - `reference`: a function of (t, points of shape (n, d)) with values of shape (n, c), with which
      errors and pictures compare; none if not given.
    - `component_names`: c words for pictures; u, v, w if not given.
    - `name`: for reports and pictures; that of the unknown, "u(t, x)", if not given.

    **Raises:** `InputError` for unsuitable shapes, or a face without a condition.

    ```python
    fisher = nivp.Problem(
        domain=nivp.Torus((1.0,)), initial=lambda x: jnp.sin(jnp.pi * x) ** 2,
        rhs=lambda u, t, x: 0.1 * nivp.laplacian(u)(x) + u(x) * (1 - u(x)))
    ```
    """

    domain: AbstractDomain
    # Not static: a network and `GriddedData` contain arrays.
    initial_function: Callable[[Point], Value]
    rhs_function: Callable[[Field, Time, Point], Value]
    components: int = eqx.field(static=True)
    boundary: BoundarySpec
    norm: AbstractInnerProduct

    def __init__(
        self,
        *,
        domain: AbstractDomain,
        initial: Callable[[Point], Value],
        rhs: Callable[[Field, Time, Point], Value],
        boundary: BoundarySpec = None,
        norm: AbstractInnerProduct | None = None,
        invariants: Mapping[str, Density] | None = None,
        reference: Reference | None = None,
        component_names: Sequence[str] | None = None,
        name: str | None = None,
    ):
        self.domain, self.boundary = domain, boundary
        self.initial_function, self.rhs_function = initial, rhs
        self.components = num_components("initial", initial, domain)
        check_function("`rhs`", rhs, "u, t, x")
        if norm is None:
            norm = L2((size_of(domain, initial),) * self.components)
        self.norm = norm
        check_kind("norm", self.norm, AbstractInnerProduct)
        fix = "one typical size for each component"
        check_shape("`norm.scales`", self.norm.scales.shape, (self.components,), fix)
        self.reference_function = reference
        names = default_component_names(self.components)
        self.words = words(name, component_names, names, reference)
        self.densities = densities(invariants)
        check_problem(self)
        check_indices(self)

    def initial(self, x: Point) -> Value:
        return self.initial_function(x)

    def rhs(self, u: Field, t: Time, x: Point) -> Value:
        return self.rhs_function(u, t, x)
