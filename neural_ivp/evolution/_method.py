"""The method: every numerical choice in one value."""

from collections.abc import Callable, Sequence

import equinox as eqx
from jaxtyping import PRNGKeyArray

from ..calculus import L2, AbstractInnerProduct
from ..errors import InputError, check_count, check_kind
from ..fitting import AbstractFitStage, FitProgress, FitResult, GaussNewton, fit
from ..linear import AbstractVelocitySolver
from ..networks import AbstractNetwork
from ..problems import AbstractProblem
from ..samplers import AbstractSampler
from ..types import Field
from ._step_control import AbstractIntegrator, AdaptiveStep
from .restart import AbstractRestartRule, NoRestart, Refit


class NeuralIVP(eqx.Module):
    """Neural IVP: fit, then follow the least-squares velocity of the parameters in time.

    **Arguments:**

    - `sampler`: points of each step.
    - `velocity`: solver of min_v mean |J v - f|^2 + mu |v|^2.
    - `integrator`: `AdaptiveStep` or `ConstantStep` steps of a Runge-Kutta scheme.
    - `fit`: stages of the fit of the initial value; `GaussNewton` if not given.
    - `fit_norm`: the norm of the fits, `L2` with the problem's scales if not given; `H1` also
      matches first derivatives.
    - `held_out`: draws the points that fits are measured on, see `fit`; evenly spread ones if
      not given.
    - `restart`: rule for refits.
    - `refit`: what a restart does.
    - `conserve`: names of invariants of the problem that each step restores to their initial
      value; none if not given. Between the ends of steps u is interpolated and they are not exact;
      implicit steps end at every time to save.
    - `chunk_size`: points linearised at a time, for more points than the memory holds at once; all
      of them if not given.

    **Raises:** `InputError` for a part of the wrong kind.

    Source: Finzi, Potapczynski, Choptuik & Wilson, ICLR 2023.
    """

    sampler: AbstractSampler
    velocity: AbstractVelocitySolver
    integrator: AbstractIntegrator
    fit: tuple[AbstractFitStage, ...]
    fit_norm: AbstractInnerProduct | None
    held_out: AbstractSampler | None
    restart: AbstractRestartRule
    refit: Refit
    conserve: tuple[str, ...] = eqx.field(static=True)
    chunk_size: int | None = eqx.field(static=True)

    def __init__(
        self,
        *,
        sampler: AbstractSampler,
        velocity: AbstractVelocitySolver,
        integrator: AbstractIntegrator | None = None,
        fit: tuple[AbstractFitStage, ...] | None = None,
        fit_norm: AbstractInnerProduct | None = None,
        held_out: AbstractSampler | None = None,
        restart: AbstractRestartRule | None = None,
        refit: Refit | None = None,
        conserve: Sequence[str] = (),
        chunk_size: int | None = None,
    ):
        if chunk_size is not None:
            check_count("chunk_size", chunk_size)
        self.chunk_size = chunk_size
        self.sampler, self.velocity = sampler, velocity
        self.integrator = AdaptiveStep() if integrator is None else integrator
        self.fit = (GaussNewton(),) if fit is None else tuple(fit)
        self.fit_norm, self.held_out = fit_norm, held_out
        self.restart = NoRestart() if restart is None else restart
        self.refit = Refit() if refit is None else refit
        if isinstance(conserve, str):
            raise InputError(f"`conserve` must be a tuple of names, got {conserve!r}")
        self.conserve = tuple(conserve)
        if len(set(self.conserve)) < len(self.conserve):
            raise InputError(f"`conserve` names one invariant twice: {self.conserve!r}")
        kinds = dict(
            sampler=AbstractSampler,
            velocity=AbstractVelocitySolver,
            integrator=AbstractIntegrator,
            restart=AbstractRestartRule,
            refit=Refit,
        )
        for name, kind in kinds.items():
            check_kind(name, getattr(self, name), kind)
        for name, kind in dict(fit_norm=AbstractInnerProduct, held_out=AbstractSampler).items():
            if getattr(self, name) is not None:
                check_kind(name, getattr(self, name), kind)
        if not self.fit or not all(isinstance(s, AbstractFitStage) for s in self.fit):
            raise InputError(f"`fit` must be one or more fit stages, got {self.fit!r}")


def fit_network(
    method: NeuralIVP,
    network: AbstractNetwork,
    target: Field,
    problem: AbstractProblem,
    key: PRNGKeyArray,
    progress: Callable[[FitProgress], None],
    *,
    stages: Sequence[AbstractFitStage] | None = None,
) -> FitResult:
    """Fit a network of a problem in the norm of a method, by its stages if none are given."""
    return fit(
        network,
        target,
        problem.domain,
        method.fit if stages is None else stages,
        norm=L2(problem.norm.scales) if method.fit_norm is None else method.fit_norm,
        held_out=method.held_out,
        key=key,
        progress=progress,
    )
