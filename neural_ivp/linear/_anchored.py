"""Damping towards the previous velocity instead of towards zero."""

import equinox as eqx
from jaxtyping import Array, Int, PRNGKeyArray

from .._types import Theta, Values
from ._base import AbstractVelocitySolver, Prepared
from ._damping import Damping
from ._linearisation import AbstractLinearisation
from ._velocity import Velocity, projection_residual


class Anchored(AbstractVelocitySolver):
    r"""$\min_v \overline{|J v - f|^2} + \mu |v - v_0|^2$, v_0 the velocity of the step before.

    What the equation does not determine goes on as before instead of stopping, and larger
    dampings lose less. `inner` solves for v - v_0, so any solver can be anchored.

    **Arguments:**

    - `inner`: the solver.

    Source: "Dirac-Frenkel-Onsager" and inertial regularisations of the Dirac-Frenkel principle;
    it is Tikhonov's with a prior guess (Hansen, 1998, section 5.1).
    """

    inner: AbstractVelocitySolver

    def init(self, linearisation: AbstractLinearisation):
        return self.inner.init(linearisation)

    def prepare(
        self,
        linearisation: AbstractLinearisation,
        target: Values,
        guess: Theta,
        memory,
        key: PRNGKeyArray,
    ) -> Prepared:
        rest = target - linearisation.push(guess)
        inner = self.inner.prepare(linearisation, rest, linearisation.zeros, memory, key)
        return Prepared((guess, inner), inner.products, inner.rebuilds)

    def solve(
        self, linearisation: AbstractLinearisation, target: Values, guess: Theta, prepared: Prepared
    ) -> Velocity:
        anchor, inner = prepared.content
        rest = target - linearisation.push(anchor)
        moved = self.inner.solve(linearisation, rest, guess - anchor, inner)
        value = anchor + moved.value
        residual = projection_residual(linearisation, value, target)
        return eqx.tree_at(
            lambda v: (v.value, v.info.projection_residual), moved, (value, residual)
        )

    def remember(self, prepared: Prepared, iterations: Int[Array, ""], unconverged: Int[Array, ""]):
        return self.inner.remember(prepared.content[1], iterations, unconverged)

    def damped(self, damping: Damping) -> "Anchored":
        return Anchored(self.inner.damped(damping))
