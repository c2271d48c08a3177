"""The contract of fit stages, and the measure of a fit."""

import abc
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from .._types import Field, Points
from ..domains import AbstractDomain
from ..networks import AbstractNetwork


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


class AbstractFitStage(eqx.Module):
    """One stage of a fit of min mean |u_theta - target|^2."""

    @abc.abstractmethod
    def run(
        self,
        network: AbstractNetwork,
        target: Field,
        domain: AbstractDomain,
        key: PRNGKeyArray,
        measure: Callable[[AbstractNetwork], float],
        report: Callable[[FitProgress], None],
    ) -> AbstractNetwork:
        """Improve `network`; `measure` gives its held-out error, `report` takes progress."""


@eqx.filter_jit
def relative_l2(network: Field, target: Field, points: Points) -> Float[Array, ""]:
    """|u - target| / |target| over points of equal weight; the absolute error of a zero target."""
    wanted = jax.vmap(target)(points)
    error = jnp.linalg.norm(jax.vmap(network)(points) - wanted)
    size = jnp.linalg.norm(wanted)
    return jnp.where(size > 0, error / size, error / jnp.sqrt(wanted.size))
