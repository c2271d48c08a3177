"""Integrators: a scheme with the control of its step size."""

import abc
from typing import Any, Literal

import diffrax as dfx
import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool

from ..errors import InputError, check_count, check_positive
from ..types import Scalar, Theta
from .schemes import AbstractScheme, ExplicitRungeKutta, StepEquation, StepResult

ErrorNorm = Literal["function", "parameters"]
Solver = AbstractScheme | dfx.AbstractERK | dfx.Euler


class AbstractIntegrator(eqx.Module):
    """A scheme with a rule for its step size.

    - `solver`: a scheme, or a diffrax solver, which stands for `ExplicitRungeKutta(solver)`.
    - `rtol`, `atol`: tolerances of one step; 0 where there are none.
    - `dt0`, `dtmin`: first and smallest step, in time units; None for a choice by the library.
    - `max_steps`: the largest number of attempted steps.
    """

    solver: eqx.AbstractVar[Solver]
    rtol: eqx.AbstractVar[float]
    atol: eqx.AbstractVar[float]
    dt0: eqx.AbstractVar[float | None]
    dtmin: eqx.AbstractVar[float | None]
    max_steps: eqx.AbstractVar[int]

    @property
    def scheme(self) -> AbstractScheme:
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
        solved: Bool[Array, ""],
        t0: Scalar,
        t1: Scalar,
        state: Any,
    ) -> tuple[Bool[Array, ""], Scalar, Scalar, Any]:
        """Whether to accept the step, its scaled error, the next step size, and the new state."""


# Exponents of step control. With 0 and 1, the integral term alone, more steps are rejected and
# errors are larger (`benchmarks/evolution.py tolerance`).
PROPORTIONAL, INTEGRAL = 0.3, 0.4


class AdaptiveStep(AbstractIntegrator):
    r"""Adaptive step size: PI control of the local error, by diffrax.

    A step is accepted if its error estimate e is small enough in function space, $|e| \le atol +
    rtol |u|$ with root mean squares over the points in the norm of the problem. The alternative is
    the error in the parameters, which may change without a change of u.

    **Arguments:**

    - `solver`: a diffrax solver (`Bosh3()`, `Tsit5()`, `Dopri5()`, `Dopri8()`, `Heun()`, ...), an
      `ExplicitRungeKutta`, or `SDIRK4()` for stiff problems.
    - `rtol`, `atol`: tolerances of one step. Good values: `atol` a hundredth of `rtol`.
    - `dt0`: first step, in time units; chosen by `init` if not given.
    - `dtmin`: a solve that needs smaller steps fails; 1e-8 of the interval if not given.
    - `max_steps`: the largest number of attempted steps.
    - `error_norm`: "function", or "parameters" as in Finzi et al.

    **Raises:** `InputError` for a solver without an error estimate in that norm, or a value out of
    range.

    Source: Hairer & Wanner, "Solving ordinary differential equations II", IV.2, for PI control.

    ```python
    integrator = nivp.AdaptiveStep(rtol=1e-5, atol=1e-7)
    stiff = nivp.AdaptiveStep(nivp.SDIRK4(), rtol=1e-4)
    ```
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
        solved: Bool[Array, ""],
        t0: Scalar,
        t1: Scalar,
        state: Any,
    ) -> tuple[Bool[Array, ""], Scalar, Scalar, Any]:
        assert result.error is not None
        if self.error_norm == "function":
            # A single number, since the norm of the problem adds up points and components.
            y0, y1, y_error = (
                size[None]
                for size in (
                    equation.size(theta, t0),
                    equation.size(result.theta, t1),
                    equation.rms(result.error),
                )
            )
        else:
            assert result.parameter_error is not None
            y0, y1, y_error = theta, result.theta, result.parameter_error
        # An infinite error makes the controller reject and shorten a step that is not finite. The
        # norm of finite values may overflow too, from which it would compute a step of NaN.
        finite = solved & jnp.all(jnp.isfinite(y1)) & jnp.all(jnp.isfinite(y_error))
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
    """Constant step size, shortened only to end at a restart or the last time, or, with an implicit
    solver, at a time to save.

    Without error control an unstable step size leads to huge values; only a step that is not
    solved, or whose stages cannot be solved, ends the march.

    **Arguments:**

    - `solver`: as for `AdaptiveStep`, or `diffrax.Euler()`, the forward Euler method.
    - `dt`: the step size, in time units. Good values: below `max_stable_step` if explicit.
    - `max_steps`: the largest number of steps.

    **Raises:** `InputError` for a solver of another kind, or a step that is not positive.

    ```python
    integrator = nivp.ConstantStep(nivp.SDIRK2(), dt=0.01)
    ```
    """

    solver: Solver
    dt: float
    max_steps: int = eqx.field(static=True)
    rtol = 0.0
    atol = 0.0
    dtmin = 0.0

    def __init__(self, solver: Solver, *, dt: float, max_steps: int = 100_000):
        self.solver = check_solver(solver)
        check_positive("dt", dt)
        check_count("max_steps", max_steps)
        self.dt, self.max_steps = dt, max_steps

    @property
    def dt0(self) -> float:
        return self.dt

    def init(self, dtype: Any) -> Any:
        return None

    def control(
        self,
        equation: StepEquation,
        theta: Theta,
        result: StepResult,
        solved: Bool[Array, ""],
        t0: Scalar,
        t1: Scalar,
        state: Any,
    ) -> tuple[Bool[Array, ""], Scalar, Scalar, Any]:
        error = jnp.zeros_like(t0) if result.error is None else equation.rms(result.error)
        dt = jnp.asarray(self.dt, t0.dtype)
        # A step below `dtmin` = 0 ends the march: a constant step is not tried shorter.
        return solved, error, jnp.where(solved, dt, -dt), state


def check_solver(solver: Any) -> Solver:
    """`solver`; `InputError` if it is not of a known kind."""
    if not isinstance(solver, AbstractScheme | dfx.AbstractERK | dfx.Euler):
        raise InputError(
            "`solver` must be an explicit Runge-Kutta method of diffrax (Euler, Bosh3, Tsit5, "
            f"Dopri5, ...) or a scheme (`SDIRK4()` for stiff problems), got {solver!r}"
        )
    return solver
