"""Waves that are no configs: long times, and the first-order pair of the same equation.

`zoo.py` measures them by name.
"""

import jax
import jax.numpy as jnp
import numpy as np

import neural_ivp as nivp

WIDTH = 0.08


def wave_string_10():
    """Ten times the end of the config."""
    return nivp.problems.WaveString(), np.linspace(0, 10, 11)


def pulse_circle():
    """A pulse that goes ten times round a circle of length one."""

    def pulse(x):
        offsets = x[0] - 0.5 + jnp.arange(-3, 4)
        return jnp.sum(jnp.exp(-((offsets / WIDTH) ** 2)))

    def reference(t, points):
        x = jnp.asarray((points[:, :1] - t) % 1)
        u = jax.vmap(pulse)(x)
        return np.stack([u, -jax.vmap(jax.grad(pulse))(x)[:, 0]], axis=1)

    def energy(u, x):
        slope = jax.grad(lambda x: u(x)[0])(x)[0]
        return (u(x)[1] ** 2 + slope**2) / 2

    return nivp.SecondOrderProblem(
        domain=nivp.Torus((1.0,)),
        initial=lambda x: pulse(x)[None],
        initial_velocity=lambda x: -jax.grad(pulse)(x),
        acceleration=lambda u, v, t, x: nivp.laplacian(u)(x),
        time_scale=WIDTH,
        invariants={"energy": energy},
        reference=reference,
        name="pulse on a circle",
    ), np.linspace(0, 10, 11)


def wave_2d_pair():
    """The config `wave_2d` as a pair of first order in the energy norm."""
    wave = nivp.problems.Wave(2)
    return nivp.Problem(
        domain=wave.domain,
        boundary=nivp.Dirichlet(0.0),
        initial=wave.initial,
        rhs=wave.rhs,
        norm=nivp.WaveEnergy(wave.speed, wave.width, 2.0),
        invariants=wave.invariants,
        reference=wave.reference(0.0),
    ), np.linspace(0, 1, 11)


PROBLEMS = {
    "wave_string_10": wave_string_10,
    "pulse_circle": pulse_circle,
    "wave_2d_pair": wave_2d_pair,
}


def phase(solution) -> float:
    """By how much of the length the longest wave of u on the circle is ahead at the last time."""
    t, x = float(solution.ts[-1]), np.arange(64)[:, None] / 64
    found, wanted = solution(t, x)[:, 0], solution.problem.reference(0.0)(t, x)[:, 0]
    ratio = np.fft.rfft(np.asarray(found))[1] / np.fft.rfft(wanted)[1]
    return float(-np.angle(ratio) / (2 * np.pi))
