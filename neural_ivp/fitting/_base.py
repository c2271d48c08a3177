"""The contract of fit stages, and the measure of a fit."""

import abc
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from .._types import Field, Point, Points, Value
from ..domains import AbstractDomain
from ..networks import AbstractNetwork
from ..problems import AbstractNorm


class FitProgress(eqx.Module):
    """Where a fit stands: reported between chunks of work, never from inside compiled code."""

    stage: str = eqx.field(static=True)
    step: int = eqx.field(static=True)
    total: int = eqx.field(static=True)
    error: float = eqx.field(static=True)


class Fitted(eqx.Module):
    """A fitted network with its held-out relative L2 error after every report.

    - `relative_l2_error`: of `network`, on points that the fit never saw.
    - `steps`: optimiser steps taken.
    - `history`: one `FitProgress` per report.
    """

    network: AbstractNetwork
    relative_l2_error: float = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    history: tuple[FitProgress, ...] = eqx.field(static=True)


class Goal(eqx.Module):
    """What is fitted: min |u_theta - target|^2 in a norm over the domain."""

    target: Field
    domain: AbstractDomain
    norm: AbstractNorm

    def misfit(self, network: Field, x: Point) -> Value:
        """u - target at one point as the norm sees it, in the dtype of the point."""
        return self.norm(lambda x: (network(x) - self.target(x)).astype(x.dtype), x)


class AbstractFitStage(eqx.Module):
    """One stage of a fit."""

    @abc.abstractmethod
    def run(
        self,
        network: AbstractNetwork,
        goal: Goal,
        key: PRNGKeyArray,
        measure: Callable[[AbstractNetwork], float],
        report: Callable[[FitProgress], None],
    ) -> tuple[AbstractNetwork, int]:
        """The improved network and the optimiser steps taken.

        `measure` gives the held-out error of a network, `report` takes progress.
        """


@eqx.filter_jit
def relative_l2(network: Field, goal: Goal, points: Points) -> Float[Array, ""]:
    """|u - target| / |target| over points of equal weight; the absolute error of a zero target."""
    error = jnp.linalg.norm(jax.vmap(lambda x: goal.misfit(network, x))(points))
    wanted = jax.vmap(lambda x: goal.norm(goal.target, x))(points)
    size = jnp.linalg.norm(wanted)
    return jnp.where(size > 0, error / jnp.where(size > 0, size, 1), error / wanted.size**0.5)
