"""The contract of a sampler: draw weighted points from a key."""

import abc
from typing import Any, ClassVar

import equinox as eqx
from jaxtyping import PRNGKeyArray

from ..domains import AbstractDomain
from ..types import Field, WeightedPoints


class AbstractSampler(eqx.Module):
    """Draws weighted points, at which the mean of |J v - f|^2 is taken.

    The weights make the mean an approximation of that over the domain, for any density of points.
    """

    num_points: eqx.AbstractVar[int]
    # Whether every draw considers the whole domain, so that a fit can sample its error as well.
    covers_domain: ClassVar[bool]

    @abc.abstractmethod
    def init(self, domain: AbstractDomain, dtype: Any, key: PRNGKeyArray) -> Any:
        """The state that the first draw takes; each draw returns that of the next."""

    @abc.abstractmethod
    def draw(
        self, state: Any, domain: AbstractDomain, field: Field, key: PRNGKeyArray
    ) -> tuple[WeightedPoints, Any]:
        """New points and state; `field` is the current solution, for samplers that depend on it."""
