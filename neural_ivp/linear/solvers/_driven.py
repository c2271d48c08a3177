"""The velocity of a network some of whose parameters have a prescribed velocity."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from ...types import Theta, Values
from ..linearisation import AbstractLinearisation, DrivenLinearisation
from ..numerics import DampingLike, safe_ratio
from ._base import AbstractVelocitySolver, SolverSetup, Velocity


class Driven(AbstractVelocitySolver):
    r"""The prescribed velocity, and for the other parameters the least squares of another solver
    for what it leaves of the target."""

    inner: AbstractVelocitySolver

    def setup(
        self, linearisation: AbstractLinearisation, velocity: Theta, key: PRNGKeyArray
    ) -> SolverSetup:
        assert isinstance(linearisation, DrivenLinearisation)
        return self.inner.setup(linearisation.unknowns, velocity[linearisation.free], key)

    def solve(
        self,
        linearisation: AbstractLinearisation,
        target: Values,
        velocity: Theta,
        setup: SolverSetup,
    ) -> Velocity:
        assert isinstance(linearisation, DrivenLinearisation)
        free = linearisation.free
        rest = target - linearisation.push(linearisation.drive)
        rate = self.inner.solve(linearisation.unknowns, rest, velocity[free], setup)
        value = linearisation.drive.at[free].set(rate.value)
        # Of the whole target: what the prescribed velocity leaves may be rounding.
        share = safe_ratio(jnp.linalg.norm(rest), jnp.linalg.norm(target))
        residual = rate.info.projection_residual * share
        return eqx.tree_at(lambda v: (v.value, v.info.projection_residual), rate, (value, residual))

    def with_damping(self, damping: DampingLike) -> "Driven":
        return Driven(self.inner.with_damping(damping))
