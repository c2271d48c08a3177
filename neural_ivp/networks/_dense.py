"""The affine layer that networks are made of."""

import math

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray


class Dense(eqx.Module):
    """h -> weight h + bias.

    Networks whose parameters all sit in such layers, each called once per point, are
    differentiated by their structure (see `neural_ivp.linear.linearise`), for half the cost.
    """

    weight: Float[Array, "out in"]
    bias: Float[Array, " out"]

    def __call__(self, h: Float[Array, " in"]) -> Float[Array, " out"]:
        return self.weight @ h + self.bias


def dense(fan_in: int, fan_out: int, dtype: str, *, key: PRNGKeyArray) -> Dense:
    """A layer with random weights: normal of variance 1 / fan_in, biases uniform."""
    weight_key, bias_key = jax.random.split(key)
    bound = 1 / math.sqrt(fan_in)
    weight = bound * jax.random.normal(weight_key, (fan_out, fan_in), dtype)
    return Dense(weight, jax.random.uniform(bias_key, (fan_out,), dtype, -bound, bound))
