"""The contract of trial functions, and those without conditions at the boundary."""

import abc
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..calculus import AbstractInnerProduct
from ..densities import frame_rates
from ..networks import AbstractNetwork, GaussianFrame, flatten
from ..problems import AbstractDensityProblem, AbstractProblem
from ..types import Field, Point, Theta, Time, Value, WeightedPoints


class AbstractTrial(eqx.Module):
    """u(t, .) as a function of a network.

    The network represents an unknown w, and u is a function of w, t and x. Samplers, invariants,
    errors and `Solution` see u; the velocity solvers linearise w, whose rate follows from u_t =
    L[u].
    """

    # Whether errors of the unknown are relative errors of u.
    relative: ClassVar[bool] = False

    @abc.abstractmethod
    def field(self, network: Field, t: Time) -> Field:
        """u(t, .)."""

    @abc.abstractmethod
    def unknown(self, network: Field) -> Field:
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

    def drive(
        self,
        problem: AbstractProblem,
        network: AbstractNetwork,
        t: Time,
        sample: WeightedPoints,
    ) -> Theta | None:
        """dtheta/dt of the parameters in `network.held`, zero at the others; None without any."""
        del problem, network, t, sample
        return None

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

    def field(self, network: Field, t: Time) -> Field:
        del t
        return network

    def unknown(self, network: Field) -> Field:
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


class LogDensity(AbstractTrial):
    r"""$u = e^\phi$ with a network $\phi$: positive by construction.

    The unknown is $\phi$, whose errors are relative errors of u. The normal densities of a
    `GaussianFrame` move with the process as its drift is on the average over the points of a step
    (`neural_ivp.densities.frame_rates`): exactly, if the drift is linear in x.

    ```python
    trial = nivp.trials.LogDensity()
    print(trial.relative)
    ```
    """

    relative = True

    def field(self, network: Field, t: Time) -> Field:
        del t
        return _Exponential(network)  # pyright: ignore[reportCallIssue]

    def unknown(self, network: Field) -> Field:
        return network

    def unknown_of(self, u: Field, t: Time) -> Field:
        del t
        return lambda x: jnp.log(u(x))

    def unknown_rate(self, rate: Field, t: Time) -> Field:
        # u_t / u: dividing would underflow where u does, so `target` takes the equation of log u.
        raise NotImplementedError("the rate of log u depends on u: see `target`")

    def target(self, problem: AbstractProblem, network: AbstractNetwork, t: Time) -> Field:
        assert isinstance(problem, AbstractDensityProblem) and isinstance(network, GaussianFrame)

        def rate(x):
            terms = problem.terms(jnp.asarray(t, x.dtype), x)
            return terms.log_rate(*network.derivatives(x, terms.root))[None]

        return rate

    def holds(self, face: str, component: int) -> bool:
        del face, component
        return False

    def drive(
        self, problem: AbstractProblem, network: AbstractNetwork, t: Time, sample: WeightedPoints
    ) -> Theta | None:
        assert isinstance(problem, AbstractDensityProblem) and isinstance(network, GaussianFrame)
        theta, rebuild = flatten(network)
        if not network.moving:
            return jnp.zeros_like(theta)
        x, time, process = sample.points, jnp.asarray(t, theta.dtype), problem.process
        drifts = jax.vmap(lambda x: jnp.asarray(process.drift(time, x), x.dtype))(x)
        some = x if process.constant is None else x[:1]
        diffusions = jax.vmap(lambda x: jnp.asarray(process.diffusion(time, x), x.dtype))(some)
        frame = network.log_weights, network.means, network.factors
        rates = frame_rates(*frame, x, sample.weights, drifts, diffusions)
        still = rebuild(jnp.zeros_like(theta))
        return flatten(eqx.tree_at(lambda net: (net.means, net.factors), still, rates))[0]


class _Exponential(eqx.Module):
    """u, a tree of arrays: functions are not compiled anew for other parameters."""

    log: Field

    def __call__(self, x: Point) -> Value:
        return jnp.exp(self.log(x))


class UnknownNorm(AbstractInnerProduct):
    """A norm of the unknown of a trial, called with the network."""

    norm: AbstractInnerProduct
    trial: AbstractTrial

    @property
    def scales(self) -> Value:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.norm.scales

    def __call__(self, u: Field, x: Point) -> Float[Array, " q"]:
        return self.norm(self.trial.unknown(u), x)  # pyright: ignore[reportArgumentType]
