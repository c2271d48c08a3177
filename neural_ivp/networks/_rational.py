"""A trainable activation: the quotient of two polynomials."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

# The best fit of this type to the ReLU on [-1, 1], from appendix A of the source and its code,
# which list the coefficients from the highest power down; here from the lowest up.
_NUMERATOR = (0.0218, 0.5, 1.5957, 1.1915)
_DENOMINATOR = (1.0, 0.0, 2.383)


class Rational(eqx.Module):
    r"""$r(x) = (a_0 + a_1 x + a_2 x^2 + a_3 x^3) / (b_0 + b_1 x + b_2 x^2)$, entry by entry.

    All seven coefficients are parameters. They start near the ReLU: within 0.022 of it on
    [-1, 1], but as x/2 far out on either side. At the start there is no pole, since
    $b_1^2 < 4 b_0 b_2$; nothing keeps a fit from making one.

    **Arguments:**

    - `dtype`: of the coefficients.

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
