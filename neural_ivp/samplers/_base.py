"""What every sampler does: draw points and weights, from a key."""

import abc
from typing import Any

import equinox as eqx
from jaxtyping import PRNGKeyArray

from ..domains import AbstractDomain
from ..types import Field, WeightedPoints


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
    ) -> tuple[WeightedPoints, Any]:
        """Fresh points; `field` is the current solution, for samplers that follow it."""
