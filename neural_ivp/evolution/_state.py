"""What evolves, and what is reported of each step."""

from typing import Any

import equinox as eqx
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ..types import Scalar, Theta


class State(eqx.Module):
    """Everything that the next step depends on.

    - `velocity`: dtheta/dt at `t`, where the next solve starts.
    - `theta_at_restart`: the parameters at the start of the march, or after the last restart.
    - `invariants`: what those of the problem are to be.
    - `controller_state`, `sampler_state`: of step control and sampler.
    """

    t: Scalar
    theta: Theta
    dt: Scalar
    velocity: Theta
    attempts: Int[Array, ""]
    theta_at_restart: Theta
    invariants: Float[Array, " k"]
    controller_state: Any
    sampler_state: Any
    key: PRNGKeyArray


class StepRecord(eqx.Module):
    """One attempted step from `t0` to `t1`.

    - `error`: scaled local error; the step is accepted below 1.
    - `iterations`, `num_unconverged`: linear iterations and solves short of their tolerance.
    - `num_products`: multiplications by M, the preconditioner's included.
    - `rebuilds`: preconditioners built.
    - `linear_residual`, `projection_residual`: the largest over the stages, and at the start.
    - `held_out_residual`: the projection residual at the start on points that the solver did
      not see: much larger than on its own, and there are too few points for the damping.
      Implicit steps have both residuals at the end, of the derivative that the last stage implies.
    - `damping`, `effective_rank`, `condition`: at the start, see `VelocityInfo`; the rank is nan
      where the solver does not know it.
    - `rhs_evaluations`: linear solves, each with a right-hand side of its own.
    - `stiffness`: estimate of the largest |eigenvalue| of the parameters' equation, 1 / time; nan
      where the scheme does not know it.
    - `rhs_norm`: root mean square of f at the start of the step.
    - `finite`: whether all right-hand sides, velocities and the new values are finite.
    - `velocity_norm`, `parameter_drift`: |dtheta/dt| at the start, and the relative distance of the
      parameters from those after the last restart, at the end.
    - `invariants`: those of the problem at the end of the step, if it had been accepted, in the
      alphabetical order of their names.
    - `velocity0`, `velocity1`: dtheta/dt at both ends, for dense output.
    """

    t0: Scalar
    t1: Scalar
    accepted: Bool[Array, ""]
    finite: Bool[Array, ""]
    target_finite: Bool[Array, ""]
    error: Scalar
    iterations: Int[Array, ""]
    num_unconverged: Int[Array, ""]
    num_products: Int[Array, ""]
    rebuilds: Int[Array, ""]
    rhs_evaluations: Int[Array, ""]
    linear_residual: Scalar
    projection_residual: Scalar
    held_out_residual: Scalar
    damping: Scalar
    effective_rank: Scalar
    condition: Scalar
    rhs_norm: Scalar
    stiffness: Scalar
    velocity_norm: Scalar
    parameter_drift: Scalar
    invariants: Float[Array, " k"]
    velocity0: Theta
    velocity1: Theta
