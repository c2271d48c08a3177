"""Residuals of a step on points that it did not use, and at the boundary."""

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from ..linear import safe_ratio
from ..networks import flatten
from ..samplers import AbstractSampler
from ..types import Point, Scalar, Theta
from ._state import State
from .schemes import StepEquation, StepResult


class HeldOut(NamedTuple):
    """Entries of `StepRecord`: the residual on held-out points, where it is largest, and the share
    of the points that holds half of its square."""

    held_out_residual: Scalar
    residual_peak: Point
    residual_share: Scalar


def held_out_residual(
    equation: StepEquation,
    sampler: AbstractSampler,
    state: State,
    result: StepResult,
    key: PRNGKeyArray,
) -> HeldOut:
    """The residual at `result.residual_at`, on points that the step does not use."""
    theta, t, velocity = result.residual_at
    parts = state.sampler_state, equation.problem.domain, equation.field(theta, t)
    sample = sampler.held_out(*parts, key)
    held_out = dataclasses.replace(equation, sample=sample, boundary=None)
    linearisation, f = held_out.velocity_problem(theta, t)
    misfit = linearisation.push(velocity)[:, -f.shape[1] :] - f
    squares = sample.weights * jnp.sum(misfit**2, axis=1)
    size = jnp.sqrt(jnp.sum(sample.weights @ f**2))
    order = jnp.argsort(-squares)
    needed = jnp.cumsum(squares[order]) < jnp.sum(squares) / 2
    share = jnp.sum(sample.weights[order] * needed)
    relative = safe_ratio(jnp.sqrt(jnp.sum(squares)), size)
    return HeldOut(relative, sample.points[order[0]], share)


def boundary_residual(equation: StepEquation, theta: Theta, t: Scalar) -> Scalar:
    """The largest over the conditions that do not hold by construction; 0 without any."""
    if equation.boundary is None:
        return jnp.zeros_like(t)
    return equation.boundary.residual(flatten(equation.template)[1](theta), t)
