"""Layers of networks: affine maps and a trainable activation."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

# The best fit of this type to the ReLU on [-1, 1], from appendix A of the source, lowest power
# first.
_NUMERATOR = (0.0218, 0.5, 1.5957, 1.1915)
_DENOMINATOR = (1.0, 0.0, 2.383)


class Dense(eqx.Module):
    """The affine map h -> weight h + bias, with shapes (out, in) and (out,).

    A network with all parameters in such layers, each called once per point, is linearised by
    structure, which is cheaper (see `neural_ivp.linear.linearise`).
    """

    weight: Float[Array, "out in"]
    bias: Float[Array, " out"]

    def __call__(self, h: Float[Array, " in"]) -> Float[Array, " out"]:
        return self.weight @ h + self.bias


def dense(fan_in: int, fan_out: int, dtype: str, *, key: PRNGKeyArray) -> Dense:
    """A layer with normal weights of variance 1 / fan_in and uniform biases."""
    weight_key, bias_key = jax.random.split(key)
    bound = 1 / math.sqrt(fan_in)
    weight = bound * jax.random.normal(weight_key, (fan_out, fan_in), dtype)
    return Dense(weight, jax.random.uniform(bias_key, (fan_out,), dtype, -bound, bound))


class Rational(eqx.Module):
    r"""$r(x) = (a_0 + a_1 x + a_2 x^2 + a_3 x^3) / (b_0 + b_1 x + b_2 x^2)$, entry by entry.

    All seven coefficients are parameters. Initially r is close to the ReLU on [-1, 1], like x/2
    at infinity, and without poles ($b_1^2 < 4 b_0 b_2$); training may create poles.

    **Arguments:**

    - `dtype`: of the coefficients, "float32" or "float64".

    Source: Boullé, Nakatsukasa & Townsend, "Rational neural networks", NeurIPS 2020.
    """

    numerator: Float[Array, "4"]
    denominator: Float[Array, "3"]

    def __init__(self, dtype: str):
        self.numerator = jnp.asarray(_NUMERATOR, dtype)
        self.denominator = jnp.asarray(_DENOMINATOR, dtype)

    def __call__(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        (a0, a1, a2, a3), (b0, b1, b2) = self.numerator, self.denominator
        return (a0 + x * (a1 + x * (a2 + x * a3))) / (b0 + x * (b1 + x * b2))
