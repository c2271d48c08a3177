"""The evolving state of a solve, and the record of one step."""

from typing import Any

import equinox as eqx
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ..types import Point, Scalar, Theta


class State(eqx.Module):
    """Everything that the next step depends on.

    - `t`, `theta`, `dt`: time, parameters and the next step size.
    - `velocity`: dtheta/dt at `t`, where the next velocity solve starts.
    - `start`, `ramp`: the time of the initial value, and that over which a contradiction between it
      and a condition at the boundary is removed, see `neural_ivp.trials.BoundaryRows`.
    - `attempts`: attempted steps since `init`.
    - `theta_at_restart`: the parameters at `init`.
    - `invariants`: their values at the initial value of the problem.
    - `controller_state`, `sampler_state`: of step control and sampler.
    - `key`: of the random choices of all steps.
    """

    t: Scalar
    theta: Theta
    dt: Scalar
    velocity: Theta
    start: Scalar
    ramp: Scalar
    attempts: Int[Array, ""]
    theta_at_restart: Theta
    invariants: Float[Array, " k"]
    controller_state: Any
    sampler_state: Any
    key: PRNGKeyArray


class StepRecord(eqx.Module):
    """One attempted step from `t0` to `t1`.

    - `accepted`: whether the state moved to `t1`.
    - `solved`: whether the step could be computed: every velocity was found, the stages of an
      implicit step and the invariants to conserve were solved for, and all values are finite.
    - `target_finite`: whether f = L[u] was finite.
    - `error`: scaled local error; the step is accepted below 1.
    - `iterations`, `num_unconverged`: linear iterations, and solves short of their tolerance.
    - `num_products`: products with M, those for the preconditioner included.
    - `rebuilds`: preconditioners built.
    - `num_linear_solves`: linear solves, each with its own right-hand side.
    - `linear_residual`: the largest over the stages.
    - `projection_residual`: |J v - f| / |f| at the start; for implicit steps |L[u] - f| / |f| at
      the end, f being the time derivative in the last stage.
    - `held_out_residual`: the same on points that the solver did not use. Where it is much larger,
      there are too few points for the damping.
    - `residual_peak`: where that is largest, shape (d,).
    - `residual_share`: of the held-out points, by weight, that hold half of its square.
    - `damping`, `effective_rank`, `condition`: at the start, see `VelocityInfo`; the rank is nan
      where the solver does not know it.
    - `rhs_norm`: root mean square of f at the start.
    - `stiffness`: estimate of the largest |eigenvalue| of dv/dtheta, 1 / time; nan where unknown.
    - `velocity_norm`: |dtheta/dt| at the start.
    - `parameter_drift`: relative distance at the end from the parameters after the last restart.
    - `norm`: root mean square of u at the end, components in units of their scales.
    - `boundary_residual`: at the end, the largest root mean square over a face of the residual of a
      condition at the boundary that does not hold by construction; 0 if there is none.
    - `invariants`: of the problem at the end, in the alphabetical order of their names.
    - `velocity0`, `velocity1`: dtheta/dt at both ends, for dense output.
    """

    t0: Scalar
    t1: Scalar
    accepted: Bool[Array, ""]
    solved: Bool[Array, ""]
    target_finite: Bool[Array, ""]
    error: Scalar
    iterations: Int[Array, ""]
    num_unconverged: Int[Array, ""]
    num_products: Int[Array, ""]
    rebuilds: Int[Array, ""]
    num_linear_solves: Int[Array, ""]
    linear_residual: Scalar
    projection_residual: Scalar
    held_out_residual: Scalar
    residual_peak: Point
    residual_share: Scalar
    damping: Scalar
    effective_rank: Scalar
    condition: Scalar
    rhs_norm: Scalar
    stiffness: Scalar
    velocity_norm: Scalar
    parameter_drift: Scalar
    norm: Scalar
    boundary_residual: Scalar
    invariants: Float[Array, " k"]
    velocity0: Theta
    velocity1: Theta


# Quantities that are kept for each attempted step.
RECORDED = tuple(k for k in StepRecord.__annotations__ if k not in ("velocity0", "velocity1"))
