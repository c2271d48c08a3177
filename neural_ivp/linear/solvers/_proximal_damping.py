"""Damping towards the previous velocity instead of towards zero."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from ...errors import check_kind
from ...types import Theta, Values
from ..linearisation import AbstractLinearisation
from ..numerics import RESULTS, DampingLike, refused, safe_ratio
from ._base import AbstractVelocitySolver, SolverSetup, Velocity, projection_residual


class ProximalDamping(AbstractVelocitySolver):
    r"""$\min_v \overline{|J v - f|^2} + \mu |v - v_0|^2$, v_0 the velocity of the step before.

    What the equation does not determine goes on as before instead of stopping, and larger
    dampings lose less. `inner` solves for v - v_0, so any solver will do.

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

    def setup(
        self, linearisation: AbstractLinearisation, velocity: Theta, key: PRNGKeyArray
    ) -> SolverSetup:
        # A velocity that is not finite is no centre.
        centre = jnp.where(jnp.all(jnp.isfinite(velocity)), velocity, 0)
        inner = self.inner.setup(linearisation, linearisation.zeros, key)
        return SolverSetup((centre, inner), inner.products, inner.rebuilds)

    def solve(
        self,
        linearisation: AbstractLinearisation,
        target: Values,
        velocity: Theta,
        setup: SolverSetup,
    ) -> Velocity:
        centre, inner = setup.state
        rest = target - linearisation.push(centre)
        moved = self.inner.solve(linearisation, rest, velocity - centre, inner)
        # What is not finite in the rest comes from J unless the target has it.
        blamed = jnp.all(jnp.isfinite(target)) & (moved.result == RESULTS.nonfinite_target)
        result = RESULTS.where(blamed, RESULTS.nonfinite_jacobian, moved.result)
        value = jnp.where(refused(result), 0, centre + moved.value)
        sizes = (jnp.linalg.norm(linearisation.force(f)) for f in (rest, target))
        info = eqx.tree_at(
            lambda info: (info.linear_residual, info.projection_residual),
            moved.info,
            (
                moved.info.linear_residual * safe_ratio(*sizes),
                projection_residual(linearisation, value, target),
            ),
        )
        return Velocity(value, result, info)

    def with_damping(self, damping: DampingLike) -> "ProximalDamping":
        return ProximalDamping(self.inner.with_damping(damping))
