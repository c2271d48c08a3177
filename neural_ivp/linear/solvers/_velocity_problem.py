"""The least-squares problem at one time: J and f = L[u] at weighted points."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...calculus import L2
from ...devices import over_devices
from ...errors import (
    InputError,
    check_all_positive,
    check_finite,
    check_kind,
    check_shape,
    concrete,
)
from ...networks import AbstractNetwork, WithVelocity, flatten
from ...problems import AbstractProblem, AbstractSecondOrderProblem
from ...trials import AbstractTrial, BoundaryRows, UnknownNorm, check_state, trial_for
from ...types import Field, Scalar, Theta, Time, WeightedPoints
from ..linearisation import (
    AbstractLinearisation,
    DenseLinearisation,
    SecondOrderLinearisation,
    StackedLinearisation,
    linearise,
    linearise_driven,
)


def velocity_problem(
    problem: AbstractProblem,
    network: AbstractNetwork,
    t: Time,
    sample: WeightedPoints,
    *,
    chunk_size: int | None = None,
) -> tuple[AbstractLinearisation, Float[Array, "n q"]]:
    """Return J of the network and f = L[u] at time `t`, the input of `solve_velocity`.

    Both are in the quantities of the problem's norm, and those of the unknown of the trial function
    of the problem (`neural_ivp.trials.trial_for`). Conditions at the boundary that it does not
    satisfy are left out.

    **Arguments:**

    - `problem`: the equation u_t = L[u].
    - `network`: u, or the network in its trial function.
    - `t`: time, in time units.
    - `sample`: points (n, d) and weights (n,).
    - `chunk_size`: points linearised at a time, to bound the memory; all of them if not given.

    **Returns:** the linearisation and f, of shape (n, q).

    **Raises:** `InputError` for a time that is not finite, or a sample of the wrong shape, another
    dtype than the network's, without points, or whose weights are negative or do not sum to 1.

    ```python
    J, f = nivp.velocity_problem(problem, network, 0.0, points)
    print(J.num_parameters, f.shape)
    ```
    """
    check_kind("problem", problem, AbstractProblem)
    check_kind("network", network, AbstractNetwork)
    check_kind("sample", sample, WeightedPoints)
    check_finite("t", t)
    theta, _ = flatten(network)
    _check_sample(sample, problem.domain.dimension, theta.dtype)
    check_state(problem, network)
    components = jax.eval_shape(network, sample.points[0]).shape[0]
    if components != problem.components:
        raise InputError(
            f"`network` has {components} component(s) and `problem` {problem.components}: make it "
            "by `default_network(problem, key=...)`, or with that many outputs"
        )
    return velocity_problem_at(
        problem, trial_for(problem, network), network, theta, t, sample, chunk_size
    )


def _check_sample(sample: WeightedPoints, dimension: int, dtype: Any) -> None:
    fix = "points (n, d) and weights (n,), see `WeightedPoints`"
    points = jnp.shape(sample.points)
    if len(points) != 2 or points[1] != dimension:
        raise InputError(f"`sample.points` has shape {points}, expected (n, {dimension}): {fix}")
    check_shape("`sample.weights`", jnp.shape(sample.weights), points[:1], fix)
    if dtype != sample.points.dtype:
        raise InputError(
            f"`sample.points` are {sample.points.dtype} and the network is {dtype}: "
            "give both the same dtype"
        )
    check_all_positive("sample.weights", sample.weights, zero=True)
    weights = concrete("sample.weights", sample.weights)
    if weights is not None and not abs(np.sum(weights) - 1) < 1e-3:
        raise InputError(
            f"`sample.weights` must sum to 1, those of a mean, got {np.sum(weights):.6g} over "
            f"{weights.size} points: divide them by their sum"
        )


def velocity_problem_at(
    problem: AbstractProblem,
    trial: AbstractTrial,
    template: AbstractNetwork,
    theta: Theta,
    t: Time,
    sample: WeightedPoints,
    chunk_size: int | None,
    boundary: BoundaryRows | None = None,
    rate: Scalar | None = None,
) -> tuple[AbstractLinearisation, Float[Array, "n q"]]:
    """`velocity_problem` for the network with parameters `theta`, with the rows of `boundary` under
    those of the interior; `rate` is their kappa."""
    network, sample = flatten(template)[1](theta), over_devices(sample)
    linearisation = linearise_unknown(problem, trial, template, theta, sample, chunk_size)
    f = right_hand_side(problem, trial, network, t, sample, chunk_size)
    drive = trial.drive(problem, network, t, sample)
    if drive is not None:
        norm = UnknownNorm(problem.norm, trial)  # pyright: ignore[reportCallIssue]
        linearisation = linearise_driven(linearisation, network, sample, norm, drive)
    if boundary is None:
        return linearisation, f
    assert rate is not None
    target = pad_quantities(boundary.target(network, t, rate), f.shape[1])
    stacked = with_boundary_rows(linearisation, boundary, template, theta, t)
    return stacked, jnp.concatenate([f, target])


def linearise_unknown(
    problem: AbstractProblem,
    trial: AbstractTrial,
    template: AbstractNetwork,
    theta: Theta,
    sample: WeightedPoints,
    chunk_size: int | None,
) -> AbstractLinearisation:
    """J of the unknown of a trial at the points; of the inner network if there is a velocity."""
    if not isinstance(template, WithVelocity):
        norm = UnknownNorm(problem.norm, trial)  # pyright: ignore[reportCallIssue]
        return linearise(template, theta, sample, norm, chunk_size=chunk_size)
    assert isinstance(problem, AbstractSecondOrderProblem)
    position, p = problem.displacement_problem, template.velocity.size
    scales, rates = jnp.split(problem.norm.scales, 2)
    trial = trial_for(position, template.inner)
    norm = UnknownNorm(L2(rates), trial)  # pyright: ignore[reportCallIssue]
    rows = linearise(template.inner, theta[:p], sample, norm, chunk_size=chunk_size)
    parts = rows, theta[p:], (rates / scales).astype(theta.dtype)
    return SecondOrderLinearisation(*parts)  # pyright: ignore[reportCallIssue]


def with_boundary_rows(
    linearisation: AbstractLinearisation,
    boundary: BoundaryRows,
    template: AbstractNetwork,
    theta: Theta,
    t: Time,
) -> AbstractLinearisation:
    """J of the interior with the rows of conditions at the boundary under it."""
    if isinstance(linearisation, SecondOrderLinearisation):
        parts = linearisation.position, boundary, template, theta, t
        return eqx.tree_at(lambda J: J.position, linearisation, with_boundary_rows(*parts))
    rebuild, q = flatten(template)[1], linearisation.values.shape[1]
    values, rows = boundary.values(rebuild(theta), t), boundary.rows(rebuild, theta, t)
    if isinstance(template, WithVelocity):  # of the conditions of u_t in w
        values, rows = values[:, q:], rows[:, q:, template.velocity.size :]
    values, rows = pad_quantities(values, q), pad_quantities(rows, q)
    lower = DenseLinearisation(values, boundary.weights, rows)
    return StackedLinearisation(upper=linearisation, lower=lower)  # pyright: ignore[reportCallIssue]


def pad_quantities(array: Array, q: int) -> Array:
    """Rows of c components at the boundary, with zeros up to the q quantities of the norm."""
    return jnp.pad(array, [(0, 0), (0, q - array.shape[1]), *[(0, 0)] * (array.ndim - 2)])


def right_hand_side(
    problem: AbstractProblem,
    trial: AbstractTrial,
    network: AbstractNetwork,
    t: Time,
    sample: WeightedPoints,
    chunk_size: int | None,
) -> Float[Array, "n q"]:
    """Return f, the rate of the unknown of a trial, at the points in the quantities of the norm."""
    dtype = sample.points.dtype  # the network's, whatever the coefficients' is
    t, norm = jnp.asarray(t, dtype), problem.norm
    if isinstance(network, WithVelocity):
        norm = L2(jnp.split(norm.scales, 2)[1])
        target = _acceleration(problem, trial, network, t)
    else:
        target = trial.target(problem, network, t)

    def rate(x):
        return target(x).astype(dtype)

    if chunk_size is None:
        return norm.on_points(rate, sample.points)
    return jax.lax.map(lambda x: norm(rate, x), sample.points, batch_size=chunk_size)


def _acceleration(
    problem: AbstractProblem, trial: AbstractTrial, network: WithVelocity, t: Scalar
) -> Field:
    """The part of w_tt that is J dw/dt: without w . (d^2 N / dtheta^2) . w."""
    assert isinstance(problem, AbstractSecondOrderProblem)
    theta, rebuild = flatten(network)
    direction = jnp.concatenate([network.velocity, jnp.zeros_like(network.velocity)])
    # u from the inner network alone: its derivatives do not take those of u_t along.
    u = trial_for(problem.displacement_problem, network.inner).field(network.inner, t)
    both = trial.field(network, t)

    def velocity(x):
        return jnp.split(both(x), 2)[1]

    def acceleration(x):
        change = problem.acceleration(u, velocity, t.astype(x.dtype), x)
        return jnp.concatenate([jnp.zeros_like(change), change])

    def rate(x):
        def unknown(theta):
            return trial.unknown(rebuild(theta))(x)

        curvature = jax.jvp(unknown, (theta,), (direction,))[1]
        return jnp.split(trial.unknown_rate(acceleration, t)(x) - curvature, 2)[1]

    return rate
