"""J of a network that has a velocity: that of the network itself."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ...types import Theta, Values, Weights
from ._base import AbstractLinearisation


class SecondOrderLinearisation(AbstractLinearisation):
    r"""The least squares of $dw/dt$ for the parameters $(\theta, w)$ of `WithVelocity`.

    - `position`: J of the inner network in the quantities of u_t, whose products with dw/dt and
      with w are parts of u_tt and u_t.
    - `velocity`: w, which is $d\theta/dt$.
    - `rates`: sizes of u_t over those of u, shape (q,).
    """

    position: AbstractLinearisation
    velocity: Theta
    rates: Float[Array, " q"]

    @property
    def values(self) -> Values:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.position.values

    @property
    def weights(self) -> Weights:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.position.weights

    @property
    def num_parameters(self) -> int:
        return 2 * self.velocity.size

    def push(self, v: Theta) -> Values:
        """The changes of u and of the part of u_t that is linear in w, (n, 2 q)."""
        p = self.velocity.size
        changes = self.position.push(v[:p]) * self.rates[None, :], self.position.push(v[p:])
        return jnp.concatenate(changes, axis=1)

    def pull(self, w: Values) -> Theta:
        q = self.values.shape[1]
        parts = self.position.pull(w[:, :q] * self.rates[None, :]), self.position.pull(w[:, q:])
        return jnp.concatenate(parts)

    def jacobian(self, indices: Int[Array, " s"] | None = None) -> Float[Array, "n q s"]:
        # `SecondOrder` hands `position` to linear solvers, so that none may come here: with p
        # columns for 2 p parameters they would be wrong in silence.
        raise NotImplementedError("linear solvers see the inner network alone")

    def astype(self, dtype: Any) -> "SecondOrderLinearisation":
        parts = self.position.astype(dtype), self.velocity.astype(dtype), self.rates.astype(dtype)
        return SecondOrderLinearisation(*parts)  # pyright: ignore[reportCallIssue]

    def at(self, points: Int[Array, " k"]) -> "SecondOrderLinearisation":
        parts = self.position.at(points), self.velocity, self.rates
        return SecondOrderLinearisation(*parts)  # pyright: ignore[reportCallIssue]

    def kernel_diagonal(self) -> Float[Array, " nq"]:
        return self.position.kernel_diagonal()
