"""The objective of a fit: the misfit to a function over the domain, or to samples of one."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ..calculus import AbstractInnerProduct
from ..data import ScatteredData
from ..domains import AbstractDomain
from ..samplers import AbstractSampler
from ..types import Field, Point, Values, WeightedPoints


class Batch(eqx.Module):
    """Weighted points and the target there in the quantities of the norm, of shape (n, q)."""

    sample: WeightedPoints
    target: Values


class AbstractObjective(eqx.Module):
    """|u_theta - target|^2 in a norm, as a mean over points that a stage draws."""

    norm: eqx.AbstractVar[AbstractInnerProduct]

    @abc.abstractmethod
    def init(self, sampler: AbstractSampler, dtype: Any, key: PRNGKeyArray) -> Any:
        """The initial state of the sampler."""

    @abc.abstractmethod
    def draw(
        self, sampler: AbstractSampler, sampler_state: Any, network: Field, key: PRNGKeyArray
    ) -> tuple[Batch, Any]:
        """The next points; `network` is the fit so far, for samplers that use its error."""

    def misfit(self, network: Field, batch: Batch) -> Values:
        """u - target at the points, in the quantities of the norm."""
        return jax.vmap(lambda x: self.norm(network, x))(batch.sample.points) - batch.target


class FunctionObjective(AbstractObjective):
    """A target that is a function of one point, or a network."""

    target: Field
    domain: AbstractDomain
    norm: AbstractInnerProduct

    def init(self, sampler: AbstractSampler, dtype: Any, key: PRNGKeyArray) -> Any:
        return sampler.init(self.domain, dtype, key)

    def draw(
        self, sampler: AbstractSampler, sampler_state: Any, network: Field, key: PRNGKeyArray
    ) -> tuple[Batch, Any]:
        def target_and_misfit(x):
            target = self._target_value(x)
            return jnp.concatenate([target, self.norm(network, x) - target])

        field = target_and_misfit if sampler.covers_domain else self._target_value
        sample, sampler_state = sampler.draw(sampler_state, self.domain, field, key)
        return self.batch(sample), sampler_state

    def _target_value(self, x: Point) -> Float[Array, " q"]:
        return self.norm(lambda x: self.target(x).astype(x.dtype), x)

    def batch(self, sample: WeightedPoints) -> Batch:
        """The target at these points, in their dtype."""
        return Batch(sample, jax.vmap(self._target_value)(sample.points))


class SamplesObjective(AbstractObjective):
    """A target given by samples; of a sampler only the number of points is used."""

    samples: ScatteredData
    norm: AbstractInnerProduct

    def init(self, sampler: AbstractSampler, dtype: Any, key: PRNGKeyArray) -> Array:
        del sampler, key
        return jnp.zeros((0,), dtype)  # carries the dtype only

    def draw(
        self, sampler: AbstractSampler, sampler_state: Array, network: Field, key: PRNGKeyArray
    ) -> tuple[Batch, Array]:
        del network
        count = self.samples.weights.size
        if count <= sampler.num_points:
            return self.batch(jnp.arange(count), sampler_state.dtype), sampler_state
        indices = jax.random.choice(key, count, (sampler.num_points,), replace=False)
        return self.batch(indices, sampler_state.dtype), sampler_state

    def batch(self, indices: Array, dtype: Any) -> Batch:
        """The samples of these indices."""
        points, values, weights = (
            part[indices].astype(dtype)
            for part in (self.samples.points, self.samples.values, self.samples.weights)
        )
        target = jax.vmap(lambda x, value: self.norm(lambda _: value, x))(points, values)
        return Batch(WeightedPoints(points, weights / jnp.sum(weights)), target)
