"""Damping towards the previous velocity instead of towards zero."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray

from .._errors import check_kind
from .._types import Theta, Values
from ._base import AbstractVelocitySolver, Prepared
from ._damping import Damping
from ._linearisation import AbstractLinearisation
from ._results import RESULTS, refused
from ._velocity import Velocity, projection_residual, ratio


class Anchored(AbstractVelocitySolver):
    r"""$\min_v \overline{|J v - f|^2} + \mu |v - v_0|^2$, v_0 the velocity of the step before.

    What the equation does not determine goes on as before instead of stopping, and larger
    dampings lose less. `inner` solves for v - v_0, so any solver can be anchored.

    **Arguments:**

    - `inner`: the solver.

    **Raises:** `InputError` for something that is no velocity solver.

    Source: "Dirac-Frenkel-Onsager" and inertial regularisations of the Dirac-Frenkel principle;
    it is Tikhonov's with a prior guess (Hansen, 1998, section 5.1).
    """

    inner: AbstractVelocitySolver

    def __init__(self, inner: AbstractVelocitySolver):
        check_kind("inner", inner, AbstractVelocitySolver)
        self.inner = inner

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
        # A velocity that is not finite is no anchor.
        guess = jnp.where(jnp.all(jnp.isfinite(guess)), guess, 0)
        rest = target - linearisation.push(guess)
        inner = self.inner.prepare(linearisation, rest, linearisation.zeros, memory, key)
        return Prepared((guess, inner), inner.products, inner.rebuilds)

    def solve(
        self, linearisation: AbstractLinearisation, target: Values, guess: Theta, prepared: Prepared
    ) -> Velocity:
        anchor, inner = prepared.content
        rest = target - linearisation.push(anchor)
        moved = self.inner.solve(linearisation, rest, guess - anchor, inner)
        # What is not finite in the rest comes from J unless the target has it.
        blamed = jnp.all(jnp.isfinite(target)) & (moved.result == RESULTS.nonfinite_target)
        result = RESULTS.where(blamed, RESULTS.nonfinite_jacobian, moved.result)
        value = jnp.where(refused(result), 0, anchor + moved.value)
        sizes = (jnp.linalg.norm(linearisation.project(f)) for f in (rest, target))
        info = eqx.tree_at(
            lambda info: (info.linear_residual, info.projection_residual),
            moved.info,
            (
                moved.info.linear_residual * ratio(*sizes),
                projection_residual(linearisation, value, target),
            ),
        )
        return Velocity(value, result, info)

    def remember(self, prepared: Prepared, iterations: Int[Array, ""], unconverged: Int[Array, ""]):
        return self.inner.remember(prepared.content[1], iterations, unconverged)

    def damped(self, damping: Damping) -> "Anchored":
        return Anchored(self.inner.damped(damping))
