"""What every sampler does: draw points and weights, from a key."""

import abc
from typing import Any

import equinox as eqx
from jaxtyping import PRNGKeyArray

from .._types import Field, Points, Weights
from ..domains import AbstractDomain


class Sample(eqx.Module):
    """Points and the weights of the mean over the domain (they sum to one)."""

    points: Points
    weights: Weights


class AbstractSampler(eqx.Module):
    """Draws the points at which mean |J v - f|^2 is taken.

    The mean approximates (1/|domain|) times the integral, whatever the points' density: that
    is what the weights are for.
    """

    num_points: eqx.AbstractVar[int]

    @property
    @abc.abstractmethod
    def covers_domain(self) -> bool:
        """Whether every draw considers the whole domain, so that it can follow an error too."""

    @abc.abstractmethod
    def init(self, domain: AbstractDomain, dtype: Any, key: PRNGKeyArray) -> Any:
        """State carried from draw to draw (None for samplers without memory)."""

    @abc.abstractmethod
    def draw(
        self, state: Any, domain: AbstractDomain, field: Field, key: PRNGKeyArray
    ) -> tuple[Sample, Any]:
        """Fresh points; `field` is the current solution, for samplers that follow it."""
