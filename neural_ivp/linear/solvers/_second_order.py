"""The velocity of a network that has one: (w, dw/dt)."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ...networks import AbstractNetwork, WithVelocity
from ...types import Theta, Values
from ..linearisation import AbstractLinearisation, SecondOrderLinearisation
from ..numerics import DampingLike
from ._base import AbstractVelocitySolver, SolverSetup, Velocity
from ._driven import Driven


class SecondOrder(AbstractVelocitySolver):
    r"""$d\theta/dt = w$ exactly, and $dw/dt$ by the least squares of another solver."""

    inner: AbstractVelocitySolver

    @property
    def oversampling(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.inner.oversampling

    def setup(
        self, linearisation: AbstractLinearisation, velocity: Theta, key: PRNGKeyArray
    ) -> SolverSetup:
        position = _position(linearisation)
        return self.inner.setup(position, velocity[position.num_parameters :], key)

    def solve(
        self,
        linearisation: AbstractLinearisation,
        target: Values,
        velocity: Theta,
        setup: SolverSetup,
    ) -> Velocity:
        assert isinstance(linearisation, SecondOrderLinearisation)
        start = velocity[linearisation.velocity.size :]
        rate = self.inner.solve(linearisation.position, target, start, setup)
        value = jnp.concatenate([linearisation.velocity, rate.value])
        return eqx.tree_at(lambda v: v.value, rate, value)

    def shortest(self, linearisation: AbstractLinearisation, setup: SolverSetup) -> Theta:
        """The parameters' velocity without its part in the null space of J.

        No equation acts on that part: it would persist, and move the parameters away.
        """
        assert isinstance(linearisation, SecondOrderLinearisation)
        position, w = linearisation.position, linearisation.velocity
        return self.inner.solve(position, position.push(w), w, setup).value

    def leverage_scores(
        self, linearisation: AbstractLinearisation, setup: SolverSetup
    ) -> Float[Array, " n"]:
        return self.inner.leverage_scores(_position(linearisation), setup)

    def with_damping(self, damping: DampingLike) -> "SecondOrder":
        return SecondOrder(self.inner.with_damping(damping))


def _position(linearisation: AbstractLinearisation) -> AbstractLinearisation:
    assert isinstance(linearisation, SecondOrderLinearisation)
    return linearisation.position


def solver_for(solver: AbstractVelocitySolver, network: AbstractNetwork) -> AbstractVelocitySolver:
    """The solver, for the parameters (theta, w) if the network has a velocity, and for the free
    ones if others have a prescribed one."""
    if network.log_density:
        return Driven(solver)
    return SecondOrder(solver) if isinstance(network, WithVelocity) else solver
