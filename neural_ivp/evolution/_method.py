"""The method: every numerical choice of a solve in one object."""

import math
from collections.abc import Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp

from ..calculus import AbstractInnerProduct
from ..display import AbstractDisplayed, settings
from ..errors import InputError, check_count, check_kind
from ..fitting import AbstractFitStage, GaussNewton
from ..linear import AbstractVelocitySolver, LandmarkSubspace
from ..networks import AbstractNetwork, WithVelocity, flatten
from ..problems import AbstractProblem, AbstractSecondOrderProblem
from ..samplers import AbstractSampler, DiffusionParticles
from ..trials import check_state, trial_for
from ._step_control import AbstractIntegrator, AdaptiveStep
from .restart import AbstractRestartRule, DirectionGrowth, NoRestart, Refit
from .schemes import ExplicitRungeKutta, Rodas4


class NeuralIVP(AbstractDisplayed, eqx.Module):
    r"""The numerical method of a solve: fit, sampling, velocity solver, time stepping, restarts.

    The network is fitted to the initial value. Then its parameters follow $d\theta/dt = v$, the
    minimiser of $\overline{|J v - f|^2} + \mu |v|^2$ over the points of a step, with $J =
    \partial u / \partial \theta$ and $f = L[u]$.

    **Arguments:**

    - `sampler`: draws the points of each step. Good values: `ImportanceSampling(4_000)`.
    - `velocity_solver`: solves for v. Good values: `AutoVelocitySolver()`.
    - `integrator`: `AdaptiveStep` or `ConstantStep`; `AdaptiveStep()` if not given.
    - `fit`: stages of the fit of the initial value; `(GaussNewton(),)` if not given.
    - `fit_norm`: norm of the fits; `L2` with the problem's scales if not given. `H1` also matches
      first derivatives.
    - `held_out`: sampler of the validation set of the fits, see `fit`; low-discrepancy points if
      not given.
    - `restart`: when to refit the network; `NoRestart()` if not given.
    - `refit`: how to refit it; `Refit()` if not given.
    - `growth`: when to add directions to the network of a density; never if not given.
    - `conserve`: names of invariants of the problem that each step restores to their initial
      values; none if not given. Within a step u is interpolated and they are not exact.
    - `chunk_size`: points linearised at a time, to limit memory; all of them if not given.

    **Raises:** `InputError` for a part of the wrong kind.

    Source: Finzi, Potapczynski, Choptuik & Wilson, ICLR 2023.

    ```python
    sampler = nivp.ImportanceSampling(1_000)
    method = nivp.NeuralIVP(sampler=sampler, velocity_solver=nivp.AutoVelocitySolver())
    ```
    """

    sampler: AbstractSampler
    velocity_solver: AbstractVelocitySolver
    integrator: AbstractIntegrator
    fit: tuple[AbstractFitStage, ...]
    fit_norm: AbstractInnerProduct | None
    held_out: AbstractSampler | None
    restart: AbstractRestartRule
    refit: Refit
    growth: DirectionGrowth | None
    conserve: tuple[str, ...] = eqx.field(static=True)
    chunk_size: int | None = eqx.field(static=True)

    def __init__(
        self,
        *,
        sampler: AbstractSampler,
        velocity_solver: AbstractVelocitySolver,
        integrator: AbstractIntegrator | None = None,
        fit: tuple[AbstractFitStage, ...] | None = None,
        fit_norm: AbstractInnerProduct | None = None,
        held_out: AbstractSampler | None = None,
        restart: AbstractRestartRule | None = None,
        refit: Refit | None = None,
        growth: DirectionGrowth | None = None,
        conserve: Sequence[str] = (),
        chunk_size: int | None = None,
    ):
        if chunk_size is not None:
            check_count("chunk_size", chunk_size)
        self.sampler, self.velocity_solver, self.chunk_size = sampler, velocity_solver, chunk_size
        self.integrator = AdaptiveStep() if integrator is None else integrator
        self.fit = (GaussNewton(),) if fit is None else tuple(fit)
        self.fit_norm, self.held_out = fit_norm, held_out
        self.restart = NoRestart() if restart is None else restart
        self.refit = Refit() if refit is None else refit
        self.growth = growth
        if isinstance(conserve, str):
            raise InputError(f"`conserve` must be a tuple of names, got {conserve!r}")
        self.conserve = tuple(conserve)
        if len(set(self.conserve)) < len(self.conserve):
            raise InputError(f"`conserve` names one invariant twice: {self.conserve!r}")
        kinds = dict(
            sampler=AbstractSampler,
            velocity_solver=AbstractVelocitySolver,
            integrator=AbstractIntegrator,
            restart=AbstractRestartRule,
            refit=Refit,
            fit_norm=AbstractInnerProduct,
            held_out=AbstractSampler,
            growth=DirectionGrowth,
        )
        for name, kind in kinds.items():
            value = getattr(self, name)
            if value is not None or name not in ("fit_norm", "held_out", "growth"):
                check_kind(name, value, kind)
        if isinstance(self.integrator.scheme, Rodas4) and not isinstance(
            velocity_solver, LandmarkSubspace
        ):
            raise InputError(
                "`velocity_solver` must be a LandmarkSubspace for Rodas4, got "
                f"{velocity_solver!r}: take `LandmarkSubspace()`, or `SDIRK4()`"
            )
        if isinstance(sampler, DiffusionParticles) and not isinstance(self.restart, NoRestart):
            raise InputError(
                "`restart` must be `NoRestart()` with DiffusionParticles, whose particles begin at "
                f"the initial time, got {self.restart!r}"
            )
        if growth is not None and not isinstance(sampler, DiffusionParticles):
            raise InputError(f"`growth` needs DiffusionParticles, and `sampler` is {sampler!r}")
        if not self.fit or not all(isinstance(s, AbstractFitStage) for s in self.fit):
            raise InputError(f"`fit` must be one or more fit stages, got {self.fit!r}")

    def _summary(self) -> tuple[str, Mapping[str, str]]:
        rtol, atol = self.integrator.rtol, self.integrator.atol
        rows = settings(self, leave_out=("refit",) if isinstance(self.restart, NoRestart) else ())
        return "NeuralIVP", rows | ({"tolerance": f"rtol {rtol:g}, atol {atol:g}"} if rtol else {})


def check_network(problem: AbstractProblem, network: AbstractNetwork) -> None:
    """**Raises:** `InputError` for a network that cannot be u of a problem."""
    if not isinstance(network, AbstractNetwork):
        raise InputError(f"`network` must be an AbstractNetwork, got {type(network).__name__}")
    if isinstance(network, WithVelocity):
        if not isinstance(problem, AbstractSecondOrderProblem):
            raise InputError(
                "`network` is a WithVelocity and the problem is of first order: give its inner "
                "network"
            )
        check_network(problem.displacement_problem, network.inner)
    dtype = flatten(network)[0].dtype
    try:
        x = jax.ShapeDtypeStruct((problem.domain.dimension,), dtype)
        shape = jax.eval_shape(network, x).shape
    except (TypeError, ValueError) as error:
        raise InputError(
            f"`network` cannot take a point of shape ({problem.domain.dimension},): {error}"
        ) from error
    check_state(problem, network)
    if shape != (problem.components,):
        raise InputError(
            f"`network` has values of shape {shape}, the problem {problem.components} "
            f"component(s): make it with components={problem.components}"
        )
    if not math.isfinite(float(jnp.sum(flatten(network)[0]))):
        raise InputError("`network` has parameters that are not finite")
    trial_for(problem, network)


def with_velocity(problem: AbstractProblem, network: AbstractNetwork) -> AbstractNetwork:
    """A network of u alone for a problem of second order in time, as a `WithVelocity`."""
    if not isinstance(problem, AbstractSecondOrderProblem) or isinstance(network, WithVelocity):
        return network
    check_kind("network", network, AbstractNetwork)
    x = jnp.zeros(problem.domain.dimension, flatten(network)[0].dtype)
    if jax.eval_shape(network, x).shape == (problem.components,):
        return network  # the first-order pair of the same equation
    check_network(problem.displacement_problem, network)
    return WithVelocity(network)


def check_second_order(network: AbstractNetwork, method: NeuralIVP) -> None:
    """**Raises:** `InputError` for a scheme that cannot move a network with a velocity."""
    scheme = method.integrator.scheme
    explicit = isinstance(scheme, ExplicitRungeKutta) and not scheme.corrections
    if isinstance(network, WithVelocity) and not explicit:
        raise InputError(
            f"`integrator` has the scheme {scheme!r}, and problems of second order in time take an "
            "explicit one without corrections: `AdaptiveStep(diffrax.Dopri8())`"
        )
