"""A breather: a bound pair of a kink and an antikink."""

import math
from collections.abc import Mapping

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ..boundary import Dirichlet
from ..calculus import AbstractInnerProduct, laplacian
from ..domains import Box
from ..errors import InputError, check_fraction, check_positive, concrete
from ..types import Field, Point, Scalar, Time, Value
from ._base import Density
from ._exact_motion import AbstractExactMotion, string_energy
from ._second_order import AbstractSecondOrderProblem, second_order_norm

SMALL = 1e-8  # u at the ends, relative to its largest value


class SineGordon(AbstractSecondOrderProblem, AbstractExactMotion):
    r"""The sine-Gordon equation $u_{tt} = u_{xx} - \sin u$ with a breather at rest.

    $u = 4 \arctan(\frac{\epsilon}{\omega} \cos(\omega t) / \cosh(\epsilon x))$ with $\epsilon =
    \sqrt{1 - \omega^2}$, of the period $2 \pi / \omega$ and the energy $16 \epsilon$, in units in
    which all coefficients are 1. This is the solution on a line: here u = 0 at the ends of an
    interval, where that of the line is below 1e-8 of the largest value (6e-9 by default).

    **Arguments:**

    - `frequency`: omega, between 0 and 1. Good values: 0.3 to 0.8. Near 1 the breather is wide and
      small, and near 0 its core is fast: kink and antikink part and come back.
    - `half_width`: the interval is [-half_width, half_width], positive. Good values: at least
      20 / epsilon.

    **Raises:** `InputError` for a frequency outside of (0, 1), or an interval on which the breather
    does not vanish at the ends.

    Source: Ablowitz, Kaup, Newell & Segur, Phys. Rev. Lett. 30 (1973).

    ```python
    problem = nivp.problems.SineGordon(frequency=0.5)
    problem.exact(jnp.array(1.0), jnp.zeros(1))  # (u, u_t), of shape (2,)
    ```
    """

    frequency: Float[Array, ""]
    half_width: float = eqx.field(static=True)
    domain: Box
    components = 2
    boundary: Dirichlet
    norm: AbstractInnerProduct

    def __init__(self, *, frequency: ArrayLike = 0.6, half_width: float = 25.0):
        check_fraction("frequency", frequency)
        check_positive("half_width", half_width)
        self.frequency = jnp.asarray(frequency, float)
        self.domain = Box((-half_width,), (half_width,))
        self.half_width = self.domain.upper[0]
        self.boundary = Dirichlet(0.0)
        _check_ends(frequency, self.half_width)
        # Of the largest u and u_t, 4 arctan(epsilon / omega) and 4 epsilon.
        width = 1 / self._decay
        self.norm = second_order_norm(1, jnp.arctan(1 / (width * self.frequency)) * width)

    @property
    def _decay(self) -> Scalar:
        """epsilon"""
        return jnp.sqrt((1 - self.frequency) * (1 + self.frequency))

    def displacement(self, x: Point) -> Value:
        return self._arctangent(jnp.ones((), x.dtype), x)

    def initial_velocity(self, x: Point) -> Value:
        return jnp.zeros((1,), x.dtype)

    def acceleration(self, u: Field, v: Field, t: Time, x: Point) -> Value:
        return laplacian(u)(x) - jnp.sin(u(x))

    @property
    def invariants(self) -> Mapping[str, Density]:
        """The energy, the integral of (u_t^2 + u_x^2) / 2 + 1 - cos u."""

        def energy(u, x):
            return string_energy(u, x, jnp.ones(())) + 2 * jnp.sin(u(x)[0] / 2) ** 2

        return {"energy": energy}

    def exact_displacement(self, t: Time, x: Point) -> Value:
        return self._arctangent(jnp.cos(self.frequency.astype(x.dtype) * t), x)

    def _arctangent(self, factor: Scalar, x: Point) -> Value:
        decay = self._decay.astype(x.dtype)
        y = decay * x
        # 1 / cosh y, which does not overflow.
        slope = jnp.exp(math.log(2) - jnp.logaddexp(y, -y))
        return 4 * jnp.arctan(decay / self.frequency.astype(x.dtype) * factor * slope)


def _check_ends(frequency: ArrayLike, half_width: float) -> None:
    w = concrete("frequency", frequency)
    if w is None:
        return
    decay = np.sqrt(1 - w**2)
    with np.errstate(over="ignore"):
        end = np.arctan(decay / w / np.cosh(decay * half_width))
    if end > SMALL * np.arctan(decay / w):
        raise InputError(
            f"`half_width` is {half_width:g}, where the breather has not vanished: make it at "
            f"least {math.ceil(20 / decay)}, or `frequency` smaller"
        )
