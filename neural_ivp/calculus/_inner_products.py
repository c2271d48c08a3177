"""Inner products of fields, in which residuals and errors are measured."""

import abc
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ..errors import check_all_positive, check_positive, check_shape
from ..types import Field, Point, Points, Scalar, Value, Values


class AbstractInnerProduct(eqx.Module):
    """A squared norm: |u|^2 is the domain mean of the sum of squares of `norm(u, x)`, linear in u.

    The velocity of the parameters is the projection of the right-hand side in this norm, which
    conserves or dissipates the norm where the equation does. `scales` of shape (c,), positive,
    are typical sizes of the components; networks are scaled by them.
    """

    scales: eqx.AbstractVar[Value]

    @abc.abstractmethod
    def __call__(self, u: Field, x: Point) -> Float[Array, " q"]:
        """Return the vector, shape (q,), at x whose squared length is averaged."""

    def on_points(self, u: Field, points: Points) -> Values:
        """The quantities at points of shape (n, d); shape (n, q)."""
        return jax.vmap(lambda x: self(u, x))(points)


class L2(AbstractInnerProduct):
    r"""The inner product of $|u|^2 = \sum_k (u_k / s_k)^2$, averaged over the domain.

    **Arguments:**

    - `scales`: s, one positive number for each component. Good values: its typical size.

    **Returns:** called with a field and a point, u(x) / s of shape (c,).

    **Raises:** `InputError` for scales that are not a sequence of positive numbers.

    ```python
    norm = nivp.L2((1.0, 20.0))
    norm(lambda x: jnp.array([0.5, 10.0]), jnp.zeros(1))  # [0.5, 0.5]
    ```
    """

    scales: Value

    def __init__(self, scales: ArrayLike | Sequence[float]):
        self.scales = jnp.asarray(scales, float)
        check_shape("`scales`", self.scales.shape[1:], (), "one number for each component")
        check_all_positive("scales", scales)

    def __call__(self, u: Field, x: Point) -> Value:
        return u(x) / self.scales.astype(x.dtype)


class H1(AbstractInnerProduct):
    r"""Values and derivatives, $|u|^2 + \ell^2 |\nabla u|^2$, each component in units of its scale.

    A fit in this norm (`NeuralIVP(fit_norm=...)`) also matches the first derivatives.

    **Arguments:**

    - `scales`: one positive number for each component.
    - `length_scale`: l, positive. Good values: the length over which u
      varies, which balances the terms.

    **Returns:** called with a field and a point, the quantities of shape (c + c d,).

    **Raises:** `InputError` for scales or a length that are not positive.

    Source: Czarnecki et al., "Sobolev training for neural networks", NeurIPS 2017.

    ```python
    norm = nivp.H1((1.0,), length_scale=0.2)
    fitted = nivp.fit(network, problem.initial, problem.domain, method.fit, norm=norm, key=key)
    ```
    """

    scales: Value
    length_scale: Scalar

    def __init__(self, scales: ArrayLike | Sequence[float], length_scale: ArrayLike):
        self.scales = L2(scales).scales
        check_positive("length_scale", length_scale)
        self.length_scale = jnp.asarray(length_scale, float)

    def __call__(self, u: Field, x: Point) -> Float[Array, " quantities"]:
        scales, length = self.scales.astype(x.dtype), self.length_scale.astype(x.dtype)
        slopes = length * jax.jacfwd(u)(x) / scales[:, None]
        return jnp.concatenate([u(x) / scales, jnp.ravel(slopes)])


class WaveEnergy(AbstractInnerProduct):
    r"""The energy of $u_t = v, \; v_t = s^2 \Delta u$: $v^2 + s^2 |\nabla u|^2 + (s u / \ell)^2$.

    The quantities are divided by speed / length_scale, as v is. The equation conserves the sum E of
    the first two terms; the last one makes this a norm of constants too. With $P$ the projection in
    E onto the tangents of a network whose last layer is linear, $\tfrac12 dE/dt = \langle (u, v),
    P (v, s^2 \Delta u) \rangle_E = \langle (u, v), (v, s^2 \Delta u) \rangle_E = 0$, since (u, v)
    is itself a tangent. This is exact for all parameters without damping, and approximate for
    damped subsets. In `L2` nothing bounds E.

    **Arguments:**

    - `speed`: s, length / time, positive.
    - `length_scale`: length over which u varies, positive; v is measured in units of
      speed / length_scale.
    - `domain_length`: l, length of the domain, positive.

    **Returns:** called with a field of (u, v) and a point, the quantities of shape (d + 2,).

    **Raises:** `InputError` for a value that is not positive.

    ```python
    norm = nivp.WaveEnergy(speed=1.0, length_scale=0.1, domain_length=2.0)
    norm(lambda x: jnp.stack([x[0], 0 * x[0]]), jnp.zeros(1))  # [0.0, 0.1, 0.0]
    ```
    """

    speed: Scalar
    length_scale: Scalar
    domain_length: Scalar

    def __init__(self, speed: ArrayLike, length_scale: ArrayLike, domain_length: ArrayLike):
        check_positive("speed", speed)
        check_positive("length_scale", length_scale)
        check_positive("domain_length", domain_length)
        self.speed, self.length_scale = jnp.asarray(speed, float), jnp.asarray(length_scale, float)
        self.domain_length = jnp.asarray(domain_length, float)

    @property
    def scales(self) -> Value:  # pyright: ignore[reportIncompatibleVariableOverride]
        rate = self.speed / self.length_scale
        return jnp.stack([jnp.ones_like(rate), rate])

    def __call__(self, u: Field, x: Point) -> Float[Array, " quantities"]:
        def displacement(x):
            value = u(x)
            return value[0], value

        slope, value = jax.grad(displacement, has_aux=True)(x)
        # In units of speed / length_scale, as v is.
        width, length = self.length_scale.astype(x.dtype), self.domain_length.astype(x.dtype)
        rate = (self.speed / self.length_scale).astype(x.dtype)
        return jnp.concatenate([value[1:] / rate, width * slope, value[:1] * width / length])
