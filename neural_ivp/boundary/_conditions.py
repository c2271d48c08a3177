"""Conditions at one face: an equation between u and its outward normal derivative."""

import abc
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeAlias

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..errors import InputError
from ..types import Point, Time, Value

# A number for all components, one for each, or a function of (t, x) that returns either.
BoundaryValue: TypeAlias = float | Sequence[float] | Array | Callable[[Time, Point], Any]


class AbstractCondition(eqx.Module):
    r"""A condition $B(u, \partial_n u, t, x) = 0$ at a face.

    Not a function of the field: every condition is then linearised by one derivative along the
    normal.
    """

    # Whether anything is imposed.
    imposes: ClassVar[bool] = True

    @abc.abstractmethod
    def residual(self, value: Value, slope: Value, t: Time, x: Point) -> Value:
        """B, shape (c,), for u and its outward normal derivative at a point of the face."""


def checked(name: str, value: Any) -> Any:
    """A function or a traced array as it is; other numbers as a float or a tuple of floats."""
    if (callable(value) and not isinstance(value, type)) or isinstance(value, jax.core.Tracer):
        return value
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"`{name}` must be a number or a function, got {value!r}") from error
    if array.dtype.kind not in "iuf":
        raise InputError(
            f"`{name}` must be a real number, one for each component, or a function of (t, x), got "
            f"{value!r}"
        )
    if array.ndim > 1 or array.size == 0 or not np.all(np.isfinite(array)):
        raise InputError(f"`{name}` must be finite numbers, one for each component, got {value!r}")
    return float(array) if array.ndim == 0 else tuple(float(entry) for entry in array)


def evaluated(value: BoundaryValue, t: Time, x: Point) -> Array:
    """A boundary value at (t, x), in the dtype of x."""
    array = jnp.asarray(value(t, x) if callable(value) else value)
    if jnp.issubdtype(array.dtype, jnp.complexfloating):
        raise InputError(f"a value at the boundary is complex ({value!r}): make it two components")
    return array.astype(x.dtype)


def constant_value(value: BoundaryValue, component: int) -> float | None:
    """The number that a boundary value is for a component; None if it may vary."""
    if isinstance(value, tuple):
        return value[component]
    return value if isinstance(value, float) else None


class Dirichlet(AbstractCondition):
    """u = value. It holds exactly: the trial function has this value on the face.

    **Arguments:**

    - `value`: a number, one for each component, or a function of (t, x) that returns either, with
      x of shape (d,) in the domain, not only on the face (see `neural_ivp.trials.Lifted`).

    **Raises:** `InputError` for something else.

    ```python
    moving = nivp.Dirichlet(lambda t, x: jnp.sin(t))
    problem = nivp.Problem(domain=nivp.Box((0.0,), (1.0,)), boundary=moving, initial=jnp.zeros_like,
                           rhs=lambda u, t, x: nivp.laplacian(u)(x))
    ```
    """

    value: BoundaryValue

    def __init__(self, value: BoundaryValue):
        self.value = checked("value", value)

    def residual(self, value: Value, slope: Value, t: Time, x: Point) -> Value:
        del slope
        return value - evaluated(self.value, t, x)


class Neumann(AbstractCondition):
    """The outward normal derivative of u is `slope`; 0 for a wall without flux.

    A slope of 0 for all components holds exactly, by the embedding of the default network; another
    one is a row of the least squares of each step.

    **Arguments:**

    - `slope`: u / length, as the value of `Dirichlet`.

    **Raises:** `InputError` for something else.

    ```python
    boundary = {"x0-": nivp.Neumann(0.0), "x0+": nivp.Neumann(lambda t, x: jnp.exp(-t))}
    problem = nivp.Problem(domain=nivp.Box((0.0,), (1.0,)), boundary=boundary,
                           initial=jnp.zeros_like, rhs=lambda u, t, x: nivp.laplacian(u)(x))
    ```
    """

    slope: BoundaryValue

    def __init__(self, slope: BoundaryValue):
        self.slope = checked("slope", slope)

    def residual(self, value: Value, slope: Value, t: Time, x: Point) -> Value:
        del value
        return slope - evaluated(self.slope, t, x)


class Robin(AbstractCondition):
    r"""$a u + b \, \partial_n u$ = value, with the outward normal derivative.

    **Arguments:**

    - `a`, `b`: as the value of `Dirichlet`; b in units of length.
    - `value`: as that of `Dirichlet`; 0 if not given.

    **Raises:** `InputError` for something else, or for a = b = 0.

    ```python
    slab = {"x0-": nivp.Neumann(0.0), "x0+": nivp.Robin(2.0, 1.0)}  # 2 u + du/dn = 0 at x = 1
    problem = nivp.Problem(domain=nivp.Box((0.0,), (1.0,)), boundary=slab, initial=jnp.ones_like,
                           rhs=lambda u, t, x: nivp.laplacian(u)(x))
    ```
    """

    a: BoundaryValue
    b: BoundaryValue
    value: BoundaryValue

    def __init__(self, a: BoundaryValue, b: BoundaryValue, value: BoundaryValue = 0.0):
        self.a, self.b = checked("a", a), checked("b", b)
        self.value = checked("value", value)
        numbers = [part for part in (self.a, self.b) if isinstance(part, float | tuple)]
        if len(numbers) == 2 and not np.any(numbers[0]) and not np.any(numbers[1]):
            raise InputError("`a` and `b` are both 0, which imposes nothing: write `Free()`")

    def residual(self, value: Value, slope: Value, t: Time, x: Point) -> Value:
        a, b, right = (evaluated(part, t, x) for part in (self.a, self.b, self.value))
        return a * value + b * slope - right


class Free(AbstractCondition):
    """Nothing is imposed: for a face that characteristics leave, or a component without
    derivatives in space.

    ```python
    inflow = {"x0-": nivp.Dirichlet(1.0), "x0+": nivp.Free()}
    problem = nivp.Problem(domain=nivp.Box((0.0,), (1.0,)), boundary=inflow, initial=jnp.ones_like,
                           rhs=lambda u, t, x: -nivp.partial(u, 0)(x))
    ```
    """

    imposes = False

    def residual(self, value: Value, slope: Value, t: Time, x: Point) -> Value:
        del slope, t, x
        return jnp.zeros_like(value)


class Absorbing(AbstractCondition):
    r"""$u_t + c \, \partial_n u = 0$: waves of speed c that meet the face head-on leave the domain.

    For problems of second order in time, whose values and slopes are those of u and then of u_t. A
    row of the least squares of each step. Waves that meet the face at an angle are reflected in
    part, (1 - cos) / (1 + cos) of their amplitude.

    **Arguments:**

    - `speed`: c, length / time, as the value of `Dirichlet`; positive.

    **Raises:** `InputError` for something else.

    Source: Engquist & Majda, "Absorbing boundary conditions for the numerical simulation of waves",
    1977, the first of their conditions.

    ```python
    pulse = nivp.SecondOrderProblem(
        domain=nivp.Box((-1.0,), (1.0,)), boundary=nivp.Absorbing(1.0),
        initial=lambda x: jnp.exp(-40 * x**2), initial_velocity=jnp.zeros_like,
        acceleration=lambda u, v, t, x: nivp.laplacian(u)(x))
    ```
    """

    speed: BoundaryValue

    def __init__(self, speed: BoundaryValue):
        self.speed = checked("speed", speed)
        if isinstance(self.speed, float | tuple) and not np.all(np.asarray(self.speed) > 0):
            raise InputError(f"`speed` must be positive, got {speed!r}")

    def residual(self, value: Value, slope: Value, t: Time, x: Point) -> Value:
        c = len(value) // 2
        outgoing = value[c:] + evaluated(self.speed, t, x) * slope[:c]
        return jnp.concatenate([jnp.zeros_like(value[: len(value) - c]), outgoing])
