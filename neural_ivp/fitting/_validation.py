"""The validation set of a fit: held-out points that no stage trains on, and the errors there."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ..data import ScatteredData
from ..domains import AbstractDomain
from ..errors import InputError, check_kind, check_shape
from ..precision import compiled
from ..samplers import AbstractSampler
from ..trials import UnknownNorm
from ..types import Field, Points, Scalar, Values, WeightedPoints
from ._objective import AbstractObjective, Batch, FunctionObjective, SamplesObjective

HELD_OUT_POINTS = 20_000
# The errors of JAX where numpy or a Python `if` meets a traced argument.
TRACED = (jax.errors.TracerArrayConversionError, jax.errors.ConcretizationTypeError)


class ValidationSet(eqx.Module):
    """Held-out points of an objective."""

    objective: AbstractObjective
    batch: Batch

    def errors(self, network: Field) -> tuple[float, float]:
        """Return |u - target| / |target|, absolute for a zero target, and the largest error."""
        relative, largest = _errors(self.objective, self.batch, network)
        return float(relative), float(largest)

    @property
    def points(self) -> Points:
        return self.batch.sample.points


@compiled
def _errors(
    objective: AbstractObjective, batch: Batch, network: Field
) -> tuple[Scalar, Float[Array, ""]]:
    misfit = objective.misfit(network, batch)
    error, size = (jnp.sqrt(jnp.sum(batch.sample.weights @ f**2)) for f in (misfit, batch.full))
    relative = jnp.where(size > 0, error / jnp.where(size > 0, size, 1), error)
    return relative, jnp.max(jnp.abs(misfit))


def of_function(
    objective: FunctionObjective,
    shape: tuple[int, ...],
    sampler: AbstractSampler | None,
    dtype: Any,
    key: PRNGKeyArray,
) -> ValidationSet:
    """Return the validation set of a function, after the checks that it can be fitted."""
    x = jax.ShapeDtypeStruct((objective.domain.dimension,), dtype)
    value = _value_of(objective.target, x)
    fix = "return one entry per component, for one point"
    check_shape("the value of the target", getattr(value, "shape", ()), shape, fix)
    if jnp.issubdtype(value.dtype, jnp.complexfloating):
        raise InputError("the value of the target is complex: return its parts as two components")
    if sampler is None:
        points = jnp.asarray(objective.domain.low_discrepancy_points(HELD_OUT_POINTS), dtype)
        sample = WeightedPoints(points, jnp.full(HELD_OUT_POINTS, 1 / HELD_OUT_POINTS, dtype))
    else:
        check_kind("held_out", sampler, AbstractSampler)
        domain, target = objective.domain, objective.target
        state = sampler.init(domain, dtype, key)
        sample, _ = _draw(sampler, state, domain, target, key)
    check_finite_at(sample.points, objective.target, "the target")
    return ValidationSet(objective, _batch(objective, sample))


def of_samples(
    samples: ScatteredData,
    domain: AbstractDomain,
    norm: UnknownNorm,
    t: Scalar,
    shape: tuple[int, ...],
    dtype: Any,
    key: PRNGKeyArray,
) -> tuple[AbstractObjective, ValidationSet]:
    """Return the training objective, and a tenth of the samples (at least one) for validation."""
    fix = f"give values of shape ({samples.weights.size}, {shape[0]})"
    check_shape("one sample of `target`", (samples.components,), shape, fix)
    x = jax.ShapeDtypeStruct((domain.dimension,), dtype)
    constant = jnp.zeros(shape, dtype)
    if jax.eval_shape(lambda x: norm.norm(lambda _: constant, x), x).shape != shape:
        raise InputError(
            f"`norm` {type(norm.norm).__name__} takes derivatives, which samples do not have: use "
            "`L2`"
        )
    order = np.asarray(jax.random.permutation(key, samples.weights.size))
    count = min(max(1, len(order) // 10), HELD_OUT_POINTS)
    all_samples = SamplesObjective(samples=samples, norm=norm, t=t)
    held_out, used = order[:count], order[count:]
    training = (
        ScatteredData(domain, samples.points[used], samples.values[used], samples.weights[used])
        if len(used) > 1
        else samples
    )
    batch = all_samples.batch(jnp.asarray(held_out), dtype)
    return SamplesObjective(samples=training, norm=norm, t=t), ValidationSet(all_samples, batch)


@compiled
def _values(target: Field, points: Points) -> Values:
    return jax.vmap(target)(points)


def check_finite_at(points: Points, function: Field, subject: str) -> None:
    """Raise `InputError` unless a function is finite at the points."""
    values = np.asarray(_values(function, points))
    bad = np.flatnonzero(~np.isfinite(values).all(axis=tuple(range(1, values.ndim))))
    if bad.size:
        where = np.asarray(points[int(bad[0])]).tolist()
        raise InputError(
            f"{subject} is not finite at {bad.size} of {len(values)} points, first at "
            f"x = {where}: return finite values everywhere in the domain"
        )


def _value_of(target: Any, x: jax.ShapeDtypeStruct) -> Any:
    """Return the shape and dtype of the value of a target at one point."""
    try:
        return jax.eval_shape(lambda x: jnp.asarray(target(x)), x)
    except TRACED as error:
        raise InputError(
            "`target` cannot be compiled: write it with jax.numpy in place of numpy and math, and "
            f"`jnp.where` in place of `if` ({str(error).splitlines()[0]})"
        ) from error


@compiled
def _draw(sampler, state, domain, target, key):
    return sampler.draw(state, domain, target, key)


@compiled
def _batch(objective, sample):
    return objective.batch(sample)
