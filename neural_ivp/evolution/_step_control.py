"""Integrators: a scheme, and the control of its step size."""

import abc
from typing import Any, Literal

import diffrax as dfx
import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool

from ..errors import InputError, check_count, check_positive, check_scalar
from ..types import Scalar, Theta
from .schemes import AbstractScheme, ExplicitRungeKutta, StepEquation, StepResult

ErrorNorm = Literal["function", "parameters"]
Solver = AbstractScheme | dfx.AbstractERK | dfx.Euler


class AbstractIntegrator(eqx.Module):
    """A scheme with a rule for its steps.

    - `solver`: a scheme, or a solver of diffrax that stands for `ExplicitRungeKutta(solver)`.
    - `rtol`, `atol`: tolerances of one step; 0 where it has none.
    - `dt0`, `dtmin`: first step, and the smallest before giving up, in time units; None for a
      choice by problem and interval.
    - `max_steps`: attempted steps at most.
    """

    solver: eqx.AbstractVar[Solver]
    rtol: eqx.AbstractVar[float]
    atol: eqx.AbstractVar[float]
    dt0: eqx.AbstractVar[float | None]
    dtmin: eqx.AbstractVar[float | None]
    max_steps: eqx.AbstractVar[int]

    @property
    def scheme(self) -> AbstractScheme:
        """The scheme that `solver` is or stands for."""
        solver = self.solver
        return solver if isinstance(solver, AbstractScheme) else ExplicitRungeKutta(solver)

    @property
    def order(self) -> int:
        return self.scheme.order

    @abc.abstractmethod
    def init(self, dtype: Any) -> Any:
        """The state of the step control before the first step."""

    @abc.abstractmethod
    def control(
        self,
        equation: StepEquation,
        theta: Theta,
        result: StepResult,
        finite: Bool[Array, ""],
        t0: Scalar,
        t1: Scalar,
        state: Any,
    ) -> tuple[Bool[Array, ""], Scalar, Scalar, Any]:
        """Whether to accept the step, its scaled error, the next step size, and the state."""


# Exponents of step control. With the integral term alone (0 and 1) a third of the steps was
# rejected and errors were up to 16 times the tolerance; with these a tenth, and 8 times
# (`benchmarks/evolution.py tolerance`).
PROPORTIONAL, INTEGRAL = 0.3, 0.4


class AdaptiveStep(AbstractIntegrator):
    r"""Steps as long as their local error allows, by diffrax's PI step control.

    The local error estimate e is measured in function space by default: with root mean squares
    over the points, step control sees $|e| / (atol + rtol |u|)$ in the norm of the problem.
    `error_norm="parameters"` measures $e / (atol + rtol |\theta|)$, as the paper does; parameters
    of a redundant network may move without moving u.

    **Arguments:**

    - `solver`: `diffrax.Bosh3()`, `Tsit5()`, `Dopri5()`, `Dopri8()`, `Heun()`, ..., the same with
      corrections as `ExplicitRungeKutta`, or `SDIRK4()` for stiff problems.
    - `rtol`, `atol`: tolerances of one step.
    - `dt0`: first step, in time units; chosen from the velocity if not given.
    - `dtmin`: give up below this step; 1e-8 of the interval if not given.
    - `max_steps`: attempted steps at most.
    - `error_norm`: "function" or "parameters".

    **Raises:** `InputError` for a solver without an error estimate in the norm asked for, or a
    value out of range.

    Source: Hairer & Wanner, "Solving ordinary differential equations II", IV.2, for PI control.
    """

    solver: Solver
    rtol: float
    atol: float
    dt0: float | None
    dtmin: float | None
    max_steps: int = eqx.field(static=True)
    error_norm: ErrorNorm = eqx.field(static=True)

    def __init__(
        self,
        solver: Solver = dfx.Tsit5(),  # noqa: B008 (immutable)
        *,
        rtol: float = 1e-4,
        atol: float = 1e-6,
        dt0: float | None = None,
        dtmin: float | None = None,
        max_steps: int = 10_000,
        error_norm: ErrorNorm = "function",
    ):
        self.solver = check_solver(solver)
        if not self.scheme.has_error:
            raise InputError(
                f"`solver` must have an error estimate, got {solver!r}: take "
                "`ConstantStep(solver, dt=...)`"
            )
        check_positive("rtol", rtol, zero=True)
        check_positive("atol", atol, zero=True)
        if rtol == 0 and atol == 0:
            raise InputError("`rtol` and `atol` cannot both be 0")
        for name, value in (("dt0", dt0), ("dtmin", dtmin)):
            if value is not None:
                check_positive(name, value)
        check_count("max_steps", max_steps)
        if error_norm not in ("function", "parameters"):
            raise InputError(f'`error_norm` must be "function" or "parameters", got {error_norm!r}')
        if error_norm == "parameters" and self.scheme.implicit:
            raise InputError('`error_norm` must be "function" for an implicit solver')
        self.rtol, self.atol, self.dt0, self.dtmin = rtol, atol, dt0, dtmin
        self.max_steps, self.error_norm = max_steps, error_norm

    def init(self, dtype: Any) -> Any:
        return (jnp.ones((), dtype), jnp.ones((), dtype), jnp.asarray(False))

    def control(
        self,
        equation: StepEquation,
        theta: Theta,
        result: StepResult,
        finite: Bool[Array, ""],
        t0: Scalar,
        t1: Scalar,
        state: Any,
    ) -> tuple[Bool[Array, ""], Scalar, Scalar, Any]:
        assert result.error is not None
        if self.error_norm == "function":
            # One number: the norm of the problem says how points and components add up.
            y0, y1, y_error = (
                equation.size(u)[None] for u in (result.start, result.values, result.error)
            )
        else:
            assert result.parameter_error is not None
            y0, y1, y_error = theta, result.theta, result.parameter_error
        # A step that is not finite has an infinite error: the controller rejects and shortens it.
        y_error = jnp.where(finite, y_error, jnp.inf)
        y1 = jnp.where(finite, y1, y0)
        controller = dfx.PIDController(
            rtol=self.rtol, atol=self.atol, pcoeff=PROPORTIONAL, icoeff=INTEGRAL
        )
        accepted, _, next_t1, _, state, _ = controller.adapt_step_size(
            t0, t1, y0, y1, None, y_error, self.scheme.error_order, state
        )
        scale = self.atol + self.rtol * jnp.maximum(jnp.abs(y0), jnp.abs(y1))
        scaled = jnp.sqrt(jnp.mean((y_error / scale) ** 2))
        dt = jnp.asarray(next_t1) - jnp.where(accepted, t1, t0)
        return jnp.asarray(accepted), scaled, dt, state


class ConstantStep(AbstractIntegrator):
    """Steps of one size, cut only where a restart or the end comes first, and for an implicit
    solver a time to save.

    **Arguments:**

    - `solver`: as for `AdaptiveStep`, and `diffrax.Euler()`, the forward Euler method.
    - `dt`: the step, in time units.
    - `max_steps`: attempted steps at most.

    A step whose values are not finite, or whose stages cannot be solved, ends the march. Nothing
    else does: a step that is too large goes through an instability or a blow-up to huge values.

    **Raises:** `InputError` for a solver of another kind, or a step that is not positive.
    """

    solver: Solver
    dt: float
    max_steps: int = eqx.field(static=True)
    rtol = 0.0
    atol = 0.0
    dtmin = 0.0

    def __init__(self, solver: Solver, *, dt: float, max_steps: int = 100_000):
        self.solver = check_solver(solver)
        check_scalar("dt", dt)
        check_count("max_steps", max_steps)
        self.dt, self.max_steps = dt, max_steps

    @property
    def dt0(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.dt

    def init(self, dtype: Any) -> Any:
        return None

    def control(
        self,
        equation: StepEquation,
        theta: Theta,
        result: StepResult,
        finite: Bool[Array, ""],
        t0: Scalar,
        t1: Scalar,
        state: Any,
    ) -> tuple[Bool[Array, ""], Scalar, Scalar, Any]:
        error = jnp.zeros_like(t0) if result.error is None else equation.size(result.error)
        dt = jnp.asarray(self.dt, t0.dtype)
        # Below the smallest step, which is 0: there is no shorter one to try.
        return finite, error, jnp.where(finite, dt, -dt), state


def check_solver(solver: Any) -> Solver:
    """The solver, if it is one that integrators know."""
    if not isinstance(solver, AbstractScheme | dfx.AbstractERK | dfx.Euler):
        raise InputError(
            "`solver` must be an explicit Runge-Kutta method of diffrax (Euler, Bosh3, Tsit5, "
            f"Dopri5, ...) or a scheme (`SDIRK4()` for stiff problems), got {solver!r}"
        )
    return solver
