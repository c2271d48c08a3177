"""Adaptive explicit Runge-Kutta methods: diffrax's tableaus and diffrax's step control."""

from typing import Literal

import diffrax as dfx
import equinox as eqx

from .._errors import InputError, check_count, check_positive

ErrorNorm = Literal["function", "parameters"]


class Adaptive(eqx.Module):
    r"""An explicit Runge-Kutta method of diffrax with adaptive steps.

    The local error estimate e (a vector of parameters) is measured in function space by
    default: step control sees, per component, $|J e| / (atol + rtol |u|)$ with root mean
    squares over the points. `error_norm="parameters"` measures $e / (atol + rtol |\theta|)$,
    as the paper does; parameters of a redundant network may move without moving u.

    **Arguments:**

    - `solver`: `diffrax.Bosh3()`, `Tsit5()`, `Dopri5()`, `Dopri8()`, `Heun()`, ...
    - `rtol`, `atol`: tolerances of one step.
    - `dt0`: first step, in time units; chosen from the velocity if not given.
    - `dtmin`: give up below this step; 1e-8 of the interval if not given.
    - `max_steps`: attempted steps at most.
    - `error_norm`: "function" or "parameters".

    **Raises:** `InputError` for a solver without an explicit embedded tableau, or a value out
    of range.
    """

    solver: dfx.AbstractERK = eqx.field(static=True)
    rtol: float
    atol: float
    dt0: float | None
    dtmin: float | None
    max_steps: int = eqx.field(static=True)
    error_norm: ErrorNorm = eqx.field(static=True)

    def __init__(
        self,
        solver: dfx.AbstractERK = dfx.Tsit5(),  # noqa: B008 (immutable)
        *,
        rtol: float = 1e-4,
        atol: float = 1e-6,
        dt0: float | None = None,
        dtmin: float | None = None,
        max_steps: int = 10_000,
        error_norm: ErrorNorm = "function",
    ):
        if not isinstance(solver, dfx.AbstractERK):
            raise InputError(
                f"`solver` must be an explicit Runge-Kutta method of diffrax with an error "
                f"estimate (Bosh3, Tsit5, Dopri5, ...), got {solver!r}"
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
        self.solver, self.rtol, self.atol, self.dt0, self.dtmin = solver, rtol, atol, dt0, dtmin
        self.max_steps, self.error_norm = max_steps, error_norm

    @property
    def order(self) -> int:
        order = self.solver.order(None)
        assert order is not None
        return order

    def controller(self) -> dfx.PIDController:
        """diffrax's controller; the smallest step is enforced by the caller, who can refuse."""
        return dfx.PIDController(rtol=self.rtol, atol=self.atol)
