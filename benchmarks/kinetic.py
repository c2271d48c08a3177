"""Kinetic equations in six dimensions, and their references along characteristics."""

import jax.numpy as jnp
import numpy as np
import scipy.integrate

import neural_ivp as nivp

WIDTH, END = 0.3, 0.5


def vlasov_3d3v():
    """u_t + v . grad_x u + F . grad_v u = 0 with F = grad_x exp(-|x|^2) on [-1, 1]^6, x and v of
    three components each, from a normal density of deviation 0.3."""
    normaliser = (2 * np.pi * WIDTH**2) ** -3

    def initial(z):
        return normaliser * jnp.exp(-jnp.sum(z**2) / (2 * WIDTH**2))[None]

    def rhs(u, t, z):
        x, v = z[:3], z[3:]
        force = -2 * x * jnp.exp(-jnp.sum(x**2))
        return -nivp.grad(u)(z) @ jnp.concatenate([v, force])

    def reference(t, z):
        return normaliser * np.exp(-np.sum(backwards(t, z) ** 2, axis=1) / (2 * WIDTH**2))[:, None]

    problem = nivp.Problem(
        domain=nivp.Box((-1.0,) * 6, (1.0,) * 6),
        boundary=nivp.Free(),
        initial=initial,
        rhs=rhs,
        reference=reference,
        name="Vlasov equation, three and three dimensions",
    )
    return problem, np.linspace(0, END, 6)


def backwards(t: float, z: np.ndarray) -> np.ndarray:
    """Where particles at (x, v) = z at time t were at time 0, shape (n, 6)."""
    if t == 0:
        return np.asarray(z, float)

    def velocity(_, flat):
        x, v = flat.reshape(-1, 6)[:, :3], flat.reshape(-1, 6)[:, 3:]
        force = -2 * x * np.exp(-np.sum(x**2, axis=1, keepdims=True))
        return np.concatenate([-v, -force], axis=1).ravel()

    z = np.asarray(z, float)
    found = scipy.integrate.solve_ivp(velocity, (0, t), z.ravel(), "DOP853", rtol=1e-8, atol=1e-10)
    return found.y[:, -1].reshape(z.shape)


PROBLEMS = {"vlasov_3d3v": vlasov_3d3v}
