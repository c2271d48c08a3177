"""The contract of trial functions, and the simplest one."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..calculus import AbstractInnerProduct
from ..networks import AbstractNetwork
from ..problems import AbstractProblem
from ..types import Field, Point, Time, Value


class AbstractTrial(eqx.Module):
    """u(t, .) as a function of a network.

    The network represents an unknown w, and u is a function of w, t and x. Samplers, invariants,
    errors and `Solution` see u; the velocity solvers linearise w, whose rate follows from u_t =
    L[u].
    """

    @abc.abstractmethod
    def field(self, network: AbstractNetwork, t: Time) -> Field:
        """u(t, .)."""

    @abc.abstractmethod
    def unknown(self, network: AbstractNetwork) -> Field:
        """w, the function that is linearised in the parameters of the network."""

    @abc.abstractmethod
    def unknown_of(self, u: Field, t: Time) -> Field:
        """The w at which u(t, .) is the given field."""

    @abc.abstractmethod
    def unknown_rate(self, rate: Field, t: Time) -> Field:
        """The w_t at which u_t is the given field."""

    def target(self, problem: AbstractProblem, network: AbstractNetwork, t: Time) -> Field:
        """w_t from the equation."""
        u = self.field(network, t)
        return self.unknown_rate(lambda x: problem.rhs(u, jnp.asarray(t, x.dtype), x), t)

    @abc.abstractmethod
    def holds(self, face: str, component: int) -> bool:
        """Whether the condition of a component at a face holds for all networks."""


class Direct(AbstractTrial):
    """u is the network; no condition at the boundary holds by construction.

    ```python
    u = nivp.trials.Direct().field(network, 0.0)
    print(u(jnp.array([0.3])))
    ```
    """

    def field(self, network: AbstractNetwork, t: Time) -> Field:
        del t
        return network

    def unknown(self, network: AbstractNetwork) -> Field:
        return network

    def unknown_of(self, u: Field, t: Time) -> Field:
        del t
        return u

    def unknown_rate(self, rate: Field, t: Time) -> Field:
        del t
        return rate

    def holds(self, face: str, component: int) -> bool:
        del face, component
        return False


class UnknownNorm(AbstractInnerProduct):
    """A norm of the unknown of a trial, called with the network."""

    norm: AbstractInnerProduct
    trial: AbstractTrial

    @property
    def scales(self) -> Value:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.norm.scales

    def __call__(self, u: Field, x: Point) -> Float[Array, " q"]:
        return self.norm(self.trial.unknown(u), x)  # pyright: ignore[reportArgumentType]
