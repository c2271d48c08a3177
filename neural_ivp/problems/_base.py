"""The contract of a problem: u_t = L[u] on a domain, with u = u0 at the initial time."""

import abc
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..boundary import Absorbing, BoundaryConditions, BoundarySpec, resolve_boundary
from ..calculus import AbstractInnerProduct
from ..display import AbstractDisplayed, settings, short
from ..domains import AbstractDomain
from ..errors import InputError, check_shape
from ..types import Field, Point, Reference, Scalar, Time, Value

# (u, x) to rho[u](x), one number.
Density: TypeAlias = Callable[[Field, Point], Scalar]

# The order of the arguments of a user's functions.
ORDERS = {"rhs": "u, t, x", "acceleration": "u, v, t, x"}

SCHROEDINGER = (
    ". For i u_t = -u_xx / 2: initial = jnp.stack([real, imaginary]) and, with "
    "a = nivp.laplacian(u)(x), rhs = jnp.stack([-a[1], a[0]]) / 2"
)


class AbstractProblem(AbstractDisplayed, eqx.Module):
    """An initial-value problem u_t = rhs(u, t, x), written for one point.

    Physical coefficients are array leaves: another value does not recompile, and a gradient with
    respect to the problem is one with respect to them.
    """

    domain: eqx.AbstractVar[AbstractDomain]
    components: eqx.AbstractVar[int]
    # What holds on the faces of the domain, see `Problem`; None on a domain without faces.
    boundary: eqx.AbstractVar[BoundarySpec]
    # The norm of the projection of the right-hand side and of the error of a step.
    norm: eqx.AbstractVar[AbstractInnerProduct]

    @abc.abstractmethod
    def initial(self, x: Point) -> Value:
        """u0 at one point of shape (d,); shape (c,)."""

    @abc.abstractmethod
    def rhs(self, u: Field, t: Time, x: Point) -> Value:
        """The value of L[u] at t and one point x, from the field u(t, .); shape (c,)."""

    @property
    def conditions(self) -> BoundaryConditions:
        """The conditions at the boundary, by face and component."""
        domain = self.domain
        parts = domain.faces, domain.dimension, self.components, self.boundary
        conditions = resolve_boundary(*parts)
        for face, own in conditions.by_face.items():
            if any(isinstance(condition, Absorbing) for condition in own):
                raise InputError(
                    f"`boundary` is Absorbing at {face!r}, which is a condition of u_t: give the "
                    "equation as a `SecondOrderProblem`"
                )
        return conditions

    @property
    def name(self) -> str:
        """The name of the problem in reports and pictures."""
        return type(self).__name__

    @property
    def component_names(self) -> tuple[str, ...]:
        """The names of the components in pictures: u, v, w, or u0, u1, ... for more than three."""
        return default_component_names(self.components)

    def reference(self, t0: float) -> Reference | None:
        """An exact or independent solution from the initial value at time t0, for errors and
        pictures; None if none is known."""
        del t0
        return None

    def _summary(self) -> tuple[str, Mapping[str, str]]:
        kind, d = type(self).__name__, self.domain.dimension
        name = kind if self.name == kind else f"{self.name} ({kind})"
        rows = {"domain": short(self.domain), "components": ", ".join(self.component_names)}
        if self.domain.faces:
            rows["boundary"] = short(self.boundary)
        shown = ("domain", "components", "component_names", "boundary", "dimension", "name")
        rows |= settings(self, leave_out=(*shown, "invariants"))
        if self.invariants:
            rows["invariants"] = ", ".join(self.invariants)
        return f"{name} in {d} dimension{'s' * (d > 1)}", rows

    def check_times(self, times: np.ndarray) -> None:
        """Refuse times to save at which the equation is not defined; all are good by default."""
        del times

    @property
    def invariants(self) -> Mapping[str, Density]:
        """Densities whose integrals over the domain the equation conserves, by name."""
        return {}


class AbstractExactProblem(AbstractProblem):
    """A problem whose solution is known in closed form.

    Its equation and boundary do not depend on time: with another initial time the solution is the
    same, later. Override `reference` otherwise.
    """

    @abc.abstractmethod
    def exact(self, t: Time, x: Point) -> Value:
        """u at one point and the time t after the initial one; shape (c,)."""

    def reference(self, t0: float) -> Reference | None:
        def evaluate(t, points):
            points = jnp.asarray(points)
            time = jnp.asarray(t - t0, points.dtype)
            return np.asarray(jax.vmap(lambda x: self.exact(time, x))(points))

        return evaluate


def default_component_names(components: int) -> tuple[str, ...]:
    few = components <= 3
    return tuple("uvw"[k] if few else f"u{k}" for k in range(components))


def check_problem(problem: AbstractProblem) -> None:
    """Raise `InputError` unless initial value and right-hand side, traced only, have shape (c,)."""
    c = problem.components
    _ = problem.conditions
    dtype = jnp.result_type(float)
    x = jax.ShapeDtypeStruct((problem.domain.dimension,), dtype)
    t = jax.ShapeDtypeStruct((), dtype)
    check_value("initial", traced("initial", problem.initial, x), c, SCHROEDINGER)
    rate = traced("rhs", lambda t, x: problem.rhs(one_point("rhs", problem.initial), t, x), t, x)
    check_value("rhs", rate, c, SCHROEDINGER)
    for name, density in problem.invariants.items():
        value = traced("invariants", lambda x, f=density: f(problem.initial, x), x)
        subject = f"the value of the density {name!r} of `invariants`"
        check_shape(subject, jnp.shape(value), (), "return one number for one point")


def one_point(name: str, u: Field) -> Field:
    """The field u for the function `name`, refusing other than one argument."""

    def field(*arguments: Any) -> Value:
        if len(arguments) != 1:
            raise InputError(
                f"`{name}` calls u with {len(arguments)} arguments: it is the field u(t, .) of one "
                "point, u(x)"
            )
        return u(*arguments)

    return field


def traced(name: str, function: Callable[..., Any], *arguments: Any) -> jax.ShapeDtypeStruct:
    """Shape and dtype of the value of the user's function `name`, which is only traced.

    **Raises:** `InputError` for a value that is not one array, or a function that is not written
    for JAX.
    """

    def checked(*arguments):
        value = function(*arguments)
        if isinstance(value, int | float):
            return jnp.asarray(value)
        check_array(name, value)
        return value

    try:
        return jax.eval_shape(checked, *arguments)
    except jax.errors.TracerArrayConversionError as error:
        raise InputError(
            f"`{name}` makes a numpy array of what JAX traces: use jax.numpy instead of numpy, "
            "e.g. jnp.sin"
        ) from error
    except (jax.errors.ConcretizationTypeError, jax.errors.TracerIntegerConversionError) as error:
        raise InputError(
            f"`{name}` needs the number behind what JAX traces, as float(x) and `if x > 0` do: "
            "write it with jax.numpy, e.g. jnp.where(x > 0, a, b)"
        ) from error
    except TypeError as error:
        order = ORDERS.get(name)
        if order and any(words in str(error) for words in ("not callable", "callable value")):
            raise InputError(
                f"`{name}` calls what is no function ({error}): its arguments come in the order "
                f"({order})"
            ) from error
        # u is a bound method for JAX; the names are those in Python's own messages.
        if not any(f"'{kind}'" in str(error) for kind in ("function", "method", "BoundMethod")):
            raise
        raise InputError(
            f"`{name}` computes with a function ({error}): call it at x, e.g. u(x) and "
            "laplacian(u)(x)"
        ) from error


def check_array(name: str, value: Any) -> None:
    """Raise `InputError` unless the value of the function `name` is one array."""
    if callable(value):
        raise InputError(
            f"`{name}` must return values of shape (c,), got a function: call it at x, e.g. "
            "laplacian(u)(x)"
        )
    if not isinstance(value, jax.Array | np.ndarray | np.generic):
        raise InputError(
            f"the value of `{name}` is a {type(value).__name__}: return one array, e.g. "
            "jnp.stack([u, v])"
        )


def check_value(name: str, value: Any, components: int, example: str = "") -> None:
    """Raise `InputError` unless the value of the function `name` is a real array of shape (c,);
    `example` ends the message for one that is complex."""
    fix = f"return an array with one entry per component ({components}) for one point"
    check_shape(f"the value of `{name}`", value.shape, (components,), fix)
    if jnp.issubdtype(value.dtype, jnp.complexfloating):
        raise InputError(
            f"the value of `{name}` is complex: make real and imaginary part two components"
            f"{example}"
        )
    if not jnp.issubdtype(value.dtype, jnp.floating):
        raise InputError(
            f"the value of `{name}` has dtype {value.dtype}: return floating-point numbers, e.g. "
            "1.0 instead of 1, and jnp.where(x > 0.5, 1.0, 0.0) instead of x > 0.5"
        )
