"""The equation of the parameters for the solvers of diffrax."""

from typing import Any

import diffrax as dfx
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from ..errors import InputError, check_finite, check_key, check_kind, check_positive
from ..linear import solver_for, velocity_problem_at
from ..networks import AbstractNetwork, flatten
from ..problems import AbstractProblem
from ..trials import AbstractTrial, BoundaryRows, draw_boundary_rows, trial_for
from ..types import Scalar, Theta, Time, WeightedPoints
from ._method import NeuralIVP, check_network


def parameter_ode(
    problem: AbstractProblem,
    network: AbstractNetwork,
    method: NeuralIVP,
    *,
    key: PRNGKeyArray,
    t0: Time = 0.0,
    relaxation: float | None = None,
) -> dfx.ODETerm:
    r"""The equation $d\theta/dt = v(t, \theta)$ as a term of diffrax, for `diffeqsolve`.

    v is the least-squares velocity on points that are drawn once; `solve` draws new ones for each
    step. Solvers, controllers, events and `SaveAt` are those of diffrax.

    **Arguments:**

    - `problem`: the equation.
    - `network`: fitted already; $\theta$ is `nivp.networks.flatten(network)[0]`. Where conditions
      at the boundary hold by a trial function, it is the network in that: fit it by `nivp.fit(...,
      trial=trial)` with `trial = nivp.trials.trial_for(problem, network)`, and u is
      `trial.field(network, t)`.
    - `method`: its sampler and velocity solver, and its `chunk_size`. An `ImportanceSampling`
      stays where u is at `t0`: give points that suit the whole interval.
    - `key`: of the points and of the random choices of the velocity solver.
    - `t0`: the initial time, in time units.
    - `relaxation`: the rate, 1 / time, at which errors of conditions at the boundary that are rows
      of the least squares are taken back; needed if there are such conditions.

    **Returns:** a `diffrax.ODETerm`, whose state is theta.

    **Raises:** `InputError` for arguments of the wrong kind, or a missing `relaxation`.

    ```python
    import diffrax
    term = nivp.parameter_ode(problem, network, method, key=jax.random.key(0))
    theta, rebuild = nivp.networks.flatten(network)
    end = rebuild(diffrax.diffeqsolve(term, diffrax.Tsit5(), 0.0, 1e-3, 1e-3, theta).ys[0])
    ```
    """
    for name, value, kind in (
        ("problem", problem, AbstractProblem),
        ("network", network, AbstractNetwork),
        ("method", method, NeuralIVP),
    ):
        check_kind(name, value, kind)
    check_network(problem, network)
    check_key(key)
    check_finite("t0", t0)
    theta, _ = flatten(network)
    time = jnp.asarray(t0, theta.dtype)
    point_key, solver_key = jax.random.split(key)
    trial = trial_for(problem, network)
    state = method.sampler.init(problem.domain, theta.dtype, key)
    field = trial.field(network, time)
    sample, _ = method.sampler.draw(state, problem.domain, field, point_key)
    # A contradiction between the initial value and a condition is relaxed too.
    boundary = draw_boundary_rows(problem, trial, len(sample.points), time, time, point_key)
    if relaxation is not None:
        check_positive("relaxation", relaxation)
    if boundary is not None:
        if relaxation is None:
            raise InputError(
                "`relaxation` is missing: the rate at which errors of the conditions at "
                f"{', '.join(boundary.faces)} are taken back, such as ten over the interval"
            )
        boundary = eqx.tree_at(
            lambda rows: rows.contradictions,
            boundary,
            jax.tree.map(jnp.zeros_like, boundary.contradictions),
        )
    rate = jnp.asarray(0.0 if relaxation is None else relaxation, theta.dtype)
    field = _VelocityField(problem, trial, network, method, sample, boundary, rate, solver_key)
    return dfx.ODETerm(field)  # pyright: ignore[reportArgumentType]


class _VelocityField(eqx.Module):
    """v(t, theta), a tree of arrays: diffrax does not compile anew for another one."""

    problem: AbstractProblem
    trial: AbstractTrial
    template: AbstractNetwork
    method: NeuralIVP
    sample: WeightedPoints
    boundary: BoundaryRows | None
    rate: Scalar
    key: PRNGKeyArray

    def __call__(self, t: Time, theta: Theta, args: Any) -> Theta:
        del args
        parts = self.problem, self.trial, self.template, theta, jnp.asarray(t, theta.dtype)
        linearisation, f = velocity_problem_at(
            *parts, self.sample, self.method.chunk_size, self.boundary, self.rate
        )
        solver = solver_for(self.method.velocity_solver, self.template)
        start = jnp.zeros_like(theta)
        setup = solver.setup(linearisation, start, self.key)
        return solver.solve(linearisation, f, start, setup).value
