"""Domains and problems for the tests of conditions at the boundary."""

import jax.numpy as jnp

import neural_ivp as nivp

LINE = nivp.Box((0.0,), (1.0,))


SQUARE = nivp.Box((0.0, -1.0), (1.0, 2.0))


CHANNEL = nivp.ProductDomain((nivp.Periodic(2.0), nivp.Interval(0.0, 1.0)))


def heat(u, t, x):
    return nivp.laplacian(u)(x)


def problem_on(domain, boundary, initial=lambda x: jnp.cos(x[:1]), rhs=heat, **more):
    return nivp.Problem(domain=domain, boundary=boundary, initial=initial, rhs=rhs, **more)


def moving(t, x):
    return jnp.sin(t + x[0]) * jnp.exp(x[-1])
