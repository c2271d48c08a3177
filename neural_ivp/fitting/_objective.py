"""The objective of a fit: the misfit to a function over the domain, or to samples of one."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ..data import ScatteredData
from ..domains import AbstractDomain
from ..samplers import AbstractSampler
from ..trials import UnknownNorm
from ..types import Field, Point, Scalar, Value, Values, WeightedPoints


class Batch(eqx.Module):
    """Weighted points, and there in the quantities of the norm, shape (n, q), the unknown of the
    trial that u = target has (`target`), and the target itself (`full`)."""

    sample: WeightedPoints
    target: Values
    full: Values


class AbstractObjective(eqx.Module):
    """|w_theta - w|^2 in a norm, as a mean over points that a stage draws.

    w is the unknown of the trial at which u(t, .) is the target, and `norm` is called with a
    network.
    """

    norm: eqx.AbstractVar[UnknownNorm]

    @abc.abstractmethod
    def init(self, sampler: AbstractSampler, dtype: Any, key: PRNGKeyArray) -> Any:
        """The initial state of the sampler."""

    @abc.abstractmethod
    def draw(
        self, sampler: AbstractSampler, sampler_state: Any, network: Field, key: PRNGKeyArray
    ) -> tuple[Batch, Any]:
        """The next points; `network` is the fit so far, for samplers that use its error."""

    def misfit(self, network: Field, batch: Batch) -> Values:
        """w_theta - w at the points, in the quantities of the norm."""
        return jax.vmap(lambda x: self.norm(network, x))(batch.sample.points) - batch.target


class FunctionObjective(AbstractObjective):
    """A target that is a function of one point, or a network."""

    target: Field
    domain: AbstractDomain
    norm: UnknownNorm
    t: Scalar

    def init(self, sampler: AbstractSampler, dtype: Any, key: PRNGKeyArray) -> Any:
        return sampler.init(self.domain, dtype, key)

    def draw(
        self, sampler: AbstractSampler, sampler_state: Any, network: Field, key: PRNGKeyArray
    ) -> tuple[Batch, Any]:
        def target_and_misfit(x):
            return jnp.concatenate([self._full(x), self.norm(network, x) - self._unknown(x)])

        field = target_and_misfit if sampler.covers_domain else self._full
        sample, sampler_state = sampler.draw(sampler_state, self.domain, field, key)
        return self.batch(sample), sampler_state

    def _u(self, x: Point) -> Value:
        return self.target(x).astype(x.dtype)

    def _full(self, x: Point) -> Float[Array, " q"]:
        return self.norm.norm(self._u, x)

    def _unknown(self, x: Point) -> Float[Array, " q"]:
        return self.norm.norm(self.norm.trial.unknown_of(self._u, self.t), x)

    def batch(self, sample: WeightedPoints) -> Batch:
        """The target at these points, in their dtype."""
        return Batch(sample, *(jax.vmap(f)(sample.points) for f in (self._unknown, self._full)))


class SamplesObjective(AbstractObjective):
    """A target given by samples; of a sampler only the number of points is used."""

    samples: ScatteredData
    norm: UnknownNorm
    t: Scalar

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

        def unknown(x, value):
            return self.norm.norm(self.norm.trial.unknown_of(lambda _: value, self.t), x)

        target = jax.vmap(unknown)(points, values)
        full = jax.vmap(lambda x, value: self.norm.norm(lambda _: value, x))(points, values)
        return Batch(WeightedPoints(points, weights / jnp.sum(weights)), target, full)
