"""A second-order problem, its network and its method."""

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np

import neural_ivp as nivp

from .helpers import KEY, TORUS

BOX = nivp.Box((0.0,), (1.0,))


def klein_gordon(**options):
    """cos(x) cos(sqrt(2) t)."""

    def reference(t, points):
        x, w = points[:, 0], np.sqrt(2)
        return np.stack([np.cos(x) * np.cos(w * t), -w * np.cos(x) * np.sin(w * t)], axis=1)

    def energy(w, x):
        slope = jax.grad(lambda x: w(x)[0])(x)[0]
        return (w(x)[1] ** 2 + slope**2 + w(x)[0] ** 2) / 2

    given = dict(
        domain=TORUS,
        initial=lambda x: jnp.cos(x),
        initial_velocity=lambda x: 0 * x,
        acceleration=lambda u, v, t, x: nivp.laplacian(u)(x) - u(x),
        reference=reference,
        invariants={"energy": energy},
    )
    return nivp.SecondOrderProblem(**(given | options))


def tower(problem, **options):
    sizes = dict(width=8, depth=2, num_frequencies=2, activation="tanh")
    return nivp.SinusoidalMLP(problem.domain, 1, **sizes, key=KEY, **options)


def moving(network, seed=3):
    """The network with a random velocity."""
    pair = nivp.WithVelocity(network)
    return pair.moving(0.3 * jax.random.normal(jax.random.key(seed), pair.velocity.shape))


PROBLEM = klein_gordon()


NETWORK = tower(PROBLEM)


METHOD = nivp.NeuralIVP(
    sampler=nivp.ImportanceSampling(80, oversampling=4),
    velocity_solver=nivp.LandmarkSubspace(50, num_landmarks=60, damping=1e-12),
    integrator=nivp.AdaptiveStep(dfx.Dopri8(), rtol=1e-5, atol=1e-7),
    fit=(nivp.GaussNewton(tolerance=1e-5, sampler=nivp.Uniform(200)),),
)
