"""Catalogues that drive the parametrised tests, and small networks that compile fast."""

import contextlib

import equinox as eqx
import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest

import neural_ivp as nivp

KEY = jax.random.key(0)
TORUS = nivp.Torus((2 * np.pi,))

# A config that runs in a second.
TINY = """
seed = 3
[problem]
name = "Heat"
diffusivity = 0.1
domain = { name = "Torus", lengths = [1.0] }
[time]
end = 0.05
num_saves = 3
[network]
width = 8
depth = 1
num_frequencies = 1
[method]
sampler = { name = "Uniform", num_points = 64 }
velocity_solver = "RidgeCholesky"
fit = [{ name = "Adam", steps = 50, num_points = 64 }, { name = "LastLayer", num_points = 200 }]
"""


def wave_pair(dimension, width=0.05):
    """The wave equation as a system of first order, in the energy norm."""
    wave = nivp.problems.Wave(dimension, width=width)
    return nivp.Problem(
        domain=wave.domain,
        initial=wave.initial,
        rhs=wave.rhs,
        boundary=wave.boundary,
        norm=nivp.WaveEnergy(wave.speed, width, 2.0),
        invariants=wave.invariants,
        reference=wave.reference(0.0) if width < 0.2 else None,
    )


def trap_in_box(dimension):
    """The harmonic trap in a box that contains the mass, as an equation for u itself."""
    box = nivp.Box((-1.0,) * dimension, (5.0,) * dimension)
    return nivp.problems.HarmonicTrap(domain=box)


PROBLEMS = {
    "advection_1d": nivp.problems.Advection(1, width=0.3),
    "advection_2d": nivp.problems.Advection(2),
    "advection_torus": nivp.problems.Advection(domain=nivp.Torus((2.0, 3.0)), width=0.2),
    "heat_1d": nivp.problems.Heat(1),
    "heat_torus": nivp.problems.Heat(domain=TORUS, diffusivity=0.5),
    "wave_1d": wave_pair(1, width=0.3),
    "wave_2d": wave_pair(2),
    "fokker_planck_2d": trap_in_box(2),
    "fokker_planck_3d": trap_in_box(3),
    "fisher": nivp.Problem(
        domain=TORUS,
        initial=lambda x: jnp.exp(-10 * (x - jnp.pi) ** 2),
        rhs=lambda u, t, x: 0.1 * nivp.laplacian(u)(x) + u(x) * (1 - u(x)),
    ),
}


def small_network(problem, activation="tanh", **options):
    """Width 6, depth 2: under two hundred parameters."""
    options = {"width": 6, "depth": 2, "num_frequencies": 2, **options}
    return nivp.default_network(problem, key=KEY, activation=activation, **options)


class Fourier(nivp.networks.AbstractNetwork):
    """1, sin kx, cos kx for k = 1..n with trainable weights: linear in its parameters."""

    weights: jax.Array
    modes: int = eqx.field(static=True)

    def __init__(self, modes: int, key=KEY):
        self.modes = modes
        self.weights = 0.1 * jax.random.normal(key, (1, 2 * modes + 1))

    @property
    def trainable(self):
        return self.weights

    @property
    def head(self):
        return self.weights

    def __call__(self, x):
        phases = x[0] * jnp.arange(1, self.modes + 1)
        return self.weights @ jnp.concatenate([jnp.ones(1), jnp.sin(phases), jnp.cos(phases)])

    def reinitialised(self, key):
        return Fourier(self.modes, key)


class Grid(nivp.samplers.AbstractSampler):
    """A fixed equispaced grid on the first axis: means of trigonometric polynomials are exact."""

    num_points: int = eqx.field(static=True)
    covers_domain = True

    def init(self, domain, dtype, key):
        low, high = domain.lower[0], domain.upper[0]
        return jnp.linspace(low, high, self.num_points, endpoint=False, dtype=dtype)[:, None]

    def draw(self, state, domain, field, key):
        weights = jnp.full((self.num_points,), 1 / self.num_points, state.dtype)
        return nivp.WeightedPoints(state, weights), state


nivp.register(Fourier, Grid)


def trial_norm(problem, network, norm):
    """A norm of the unknown that the network represents in a problem."""
    return nivp.trials.UnknownNorm(norm, nivp.trials.trial_for(problem, network))


def sampled(problem, network, num_points=200, sampler=None):
    """Weighted points of a problem in the network's dtype."""
    sampler = nivp.Uniform(num_points) if sampler is None else sampler
    memory = sampler.init(problem.domain, nivp.networks.flatten(network)[0].dtype, KEY)
    u = nivp.trials.trial_for(problem, network).field(network, 0.0)
    return sampler.draw(memory, problem.domain, u, KEY)[0]


@eqx.filter_jit
def linearised(problem, network, num_points=200, sampler=None):
    """The linearisation and target at the start of a problem."""
    theta, _ = nivp.networks.flatten(network)
    sample = sampled(problem, network, num_points, sampler)
    norm = trial_norm(problem, network, nivp.L2((1.0,) * problem.components))
    target = norm.trial.target(problem, network, jnp.zeros((), theta.dtype))
    return nivp.linear.linearise(network, theta, sample, norm), jax.vmap(target)(sample.points)


def dense_parts(lin):
    """J scaled by the root of the weights, as a numpy matrix of shape (n c, p)."""
    root = np.sqrt(np.asarray(lin.weights))[:, None, None]
    jacobian = root * np.asarray(lin.jacobian())
    return jacobian.reshape(-1, jacobian.shape[-1]), root[:, :, 0]


def error(got, wanted):
    return np.linalg.norm(np.asarray(got) - wanted) / np.linalg.norm(wanted)


@contextlib.contextmanager
def refused(words=None):
    """Inside this block the library refuses an input, by its own check and not by jaxtyping's."""
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        with pytest.raises(nivp.InputError, match=words) as caught:
            yield caught
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)
