"""What a fit aims at: a function over the domain, or samples of one."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from .._types import Field, Point, Values
from ..domains import AbstractDomain
from ..problems import AbstractNorm
from ..samplers import AbstractSampler, Sample
from ..targets import Scattered


class Batch(eqx.Module):
    """Weighted points and the target there as the norm sees it, shape (n, q)."""

    sample: Sample
    wanted: Values


class AbstractGoal(eqx.Module):
    """min |u_theta - target|^2 in a norm, as a mean over points that a stage draws."""

    norm: eqx.AbstractVar[AbstractNorm]

    @abc.abstractmethod
    def init(self, sampler: AbstractSampler, dtype: Any, key: PRNGKeyArray) -> Any:
        """Memory of the draws."""

    @abc.abstractmethod
    def draw(
        self, sampler: AbstractSampler, memory: Any, network: Field, key: PRNGKeyArray
    ) -> tuple[Batch, Any]:
        """The next points; `network` is the fit so far, for samplers that follow its error."""

    def misfit(self, network: Field, batch: Batch) -> Values:
        """u - target at the points as the norm sees it."""
        return jax.vmap(lambda x: self.norm(network, x))(batch.sample.points) - batch.wanted


class FunctionGoal(AbstractGoal):
    """A function of one point, or a network, known everywhere."""

    target: Field
    domain: AbstractDomain
    norm: AbstractNorm

    def init(self, sampler: AbstractSampler, dtype: Any, key: PRNGKeyArray) -> Any:
        return sampler.init(self.domain, dtype, key)

    def draw(
        self, sampler: AbstractSampler, memory: Any, network: Field, key: PRNGKeyArray
    ) -> tuple[Batch, Any]:
        def both(x):
            """Points go where the target is large, and where the fit is still wrong."""
            wanted = self._wanted(x)
            return jnp.concatenate([wanted, self.norm(network, x) - wanted])

        field = both if sampler.covers_domain else self._wanted
        sample, memory = sampler.draw(memory, self.domain, field, key)
        return self.batch(sample), memory

    def _wanted(self, x: Point) -> Float[Array, " q"]:
        return self.norm(lambda x: self.target(x).astype(x.dtype), x)

    def batch(self, sample: Sample) -> Batch:
        """The target at these points, in their dtype."""
        return Batch(sample, jax.vmap(self._wanted)(sample.points))


class SamplesGoal(AbstractGoal):
    """Samples of an unknown function: a sampler says how many to take, not where."""

    samples: Scattered
    norm: AbstractNorm

    def init(self, sampler: AbstractSampler, dtype: Any, key: PRNGKeyArray) -> Array:
        del sampler, key
        return jnp.zeros((0,), dtype)  # carries the dtype only

    def draw(
        self, sampler: AbstractSampler, memory: Array, network: Field, key: PRNGKeyArray
    ) -> tuple[Batch, Array]:
        del network
        count = self.samples.weights.size
        if count <= sampler.num_points:
            return self.batch(jnp.arange(count), memory.dtype), memory
        chosen = jax.random.choice(key, count, (sampler.num_points,), replace=False)
        return self.batch(chosen, memory.dtype), memory

    def batch(self, indices: Array, dtype: Any) -> Batch:
        """The samples of these indices."""
        points, values, weights = (
            part[indices].astype(dtype)
            for part in (self.samples.points, self.samples.values, self.samples.weights)
        )
        wanted = jax.vmap(lambda x, value: self.norm(lambda _: value, x))(points, values)
        return Batch(Sample(points, weights / jnp.sum(weights)), wanted)
