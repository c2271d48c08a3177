"""Inner products of fields: what residuals and errors of the components add up to."""

import abc
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ..errors import check_positive, check_scalar, check_shape
from ..types import Field, Point, Points, Scalar, Value, Values


class AbstractInnerProduct(eqx.Module):
    """|u|^2 as the mean over the domain of the sum of squares of `norm(u, x)`, linear in u.

    The velocity of the parameters is the projection of the right-hand side in this norm, so
    what the equation conserves or dissipates, a projection in the same norm does too.

    - `scales`: typical size of each component, positive; networks are scaled by them.
    """

    scales: eqx.AbstractVar[Value]

    @abc.abstractmethod
    def __call__(self, u: Field, x: Point) -> Float[Array, " q"]:
        """The quantities at one point whose squares are added."""

    def on_points(self, u: Field, points: Points) -> Values:
        """The quantities at points of shape (n, d), of shape (n, q)."""
        return jax.vmap(lambda x: self(u, x))(points)


class L2(AbstractInnerProduct):
    """The components in units of their scales.

    **Arguments:**

    - `scales`: one positive number for each component.

    **Raises:** `InputError` for scales that are not positive numbers in a row.
    """

    scales: Value

    def __init__(self, scales: ArrayLike | Sequence[float]):
        self.scales = jnp.asarray(scales, float)
        check_shape("`scales`", self.scales.shape[1:], (), "one number for each component")
        check_positive("scales", scales)

    def __call__(self, u: Field, x: Point) -> Value:
        return u(x) / self.scales.astype(x.dtype)


class H1(AbstractInnerProduct):
    r"""Values and slopes: $|u|^2 + \ell^2 |\nabla u|^2$, the components in units of their scales.

    A fit in this norm (`NeuralIVP(fit_norm=...)`) also matches the first derivatives, which
    the equation will take.

    **Arguments:**

    - `scales`: one positive number for each component.
    - `length`: l, a positive length. Good values: that over which u varies, where both terms
      count alike.

    **Raises:** `InputError` for scales or a length that are not positive.

    Source: Czarnecki et al., "Sobolev training for neural networks", NeurIPS 2017.
    """

    scales: Value
    length: Scalar

    def __init__(self, scales: ArrayLike | Sequence[float], length: ArrayLike):
        self.scales = L2(scales).scales
        check_scalar("length", length)
        self.length = jnp.asarray(length, float)

    def __call__(self, u: Field, x: Point) -> Float[Array, " c*d+c"]:
        scales, length = self.scales.astype(x.dtype), self.length.astype(x.dtype)
        slopes = length * jax.jacfwd(u)(x) / scales[:, None]
        return jnp.concatenate([u(x) / scales, jnp.ravel(slopes)])


class WaveEnergy(AbstractInnerProduct):
    r"""The energy of $u_t = v, \; v_t = s^2 \Delta u$: $v^2 + s^2 |\nabla u|^2 + (s u / \ell)^2$.

    The equation conserves the first two terms, and so does its projection in this norm onto
    any network whose last layer is linear: with $P$ the projection, $\tfrac12 dE/dt = \langle
    (u, v), P (v, s^2 \Delta u) \rangle_E = \langle (u, v), (v, s^2 \Delta u) \rangle_E = 0$,
    since the value of the network is one of its own tangents. That is exact for all parameters
    without damping, and approximate for the damped subsets of the default. In L2 nothing bounds
    the energy,
    and the residual feeds on itself. The last term tells constants apart.

    **Arguments:**

    - `speed`: s, length / time, positive.
    - `width`: a length, positive, over which u varies: v is measured in units of speed / width.
    - `length`: l, a length, positive, of the domain.

    **Raises:** `InputError` for a value that is not positive.
    """

    speed: Scalar
    width: Scalar
    length: Scalar

    def __init__(self, speed: ArrayLike, width: ArrayLike, length: ArrayLike):
        for name, value in (("speed", speed), ("width", width), ("length", length)):
            check_positive(name, value)
        self.speed, self.width = jnp.asarray(speed, float), jnp.asarray(width, float)
        self.length = jnp.asarray(length, float)

    @property
    def scales(self) -> Value:  # pyright: ignore[reportIncompatibleVariableOverride]
        rate = self.speed / self.width
        return jnp.stack([jnp.ones_like(rate), rate])

    def __call__(self, u: Field, x: Point) -> Float[Array, " d+2"]:
        def both(x):
            value = u(x)
            return value[0], value

        slope, value = jax.grad(both, has_aux=True)(x)
        # In units of speed / width, as v is.
        width, length = self.width.astype(x.dtype), self.length.astype(x.dtype)
        rate = (self.speed / self.width).astype(x.dtype)
        parts = [value[1:] / rate, width * slope, value[:1] * width / length]
        return jnp.concatenate(parts)
