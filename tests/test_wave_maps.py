"""Scalar waves on a curved space-time, and metrics that are none."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp

from .helpers import KEY, refused


def test_waves_on_a_curved_space_time():
    """Flat, and in the form of a divergence on Schwarzschild, where the volume element is 1."""
    x, t = jnp.array([0.3, -0.2, 0.4]), jnp.zeros(())

    def u(x):
        return jnp.stack([jnp.sin(x[0] + 2 * x[1]) * jnp.cos(x[2]), jnp.cos(x[0] * x[1])])

    holes = nivp.problems.WaveMaps()

    def flux(x):
        space = jnp.linalg.inv(holes.metric(t, x))[1:, 1:]
        return space @ jax.grad(lambda x: u(x)[0])(x)

    lapse = -holes.metric(t, x)[0, 0]
    wanted = lapse * jnp.trace(jax.jacobian(flux)(x))
    np.testing.assert_allclose(holes.rhs(u, t, x), [u(x)[1], wanted], rtol=1e-12)
    flat = nivp.problems.WaveMaps(lambda t, x: jnp.diag(jnp.array([-1.0, 1.0, 1.0, 1.0])))
    wave = nivp.problems.Wave(3, speed=1.0)
    np.testing.assert_allclose(flat.rhs(u, t, x), wave.rhs(u, t, x), rtol=1e-12)
    moving = nivp.problems.WaveMaps(  # x = y + t / 2 in flat space-time
        lambda t, x: jnp.array([[-0.75, 0.5], [0.5, 1.0]]), domain=nivp.Box((-1.0,), (1.0,))
    )

    def pulse(t, y):
        return jnp.sin(3 * (y + t / 2 - t))

    both = jax.vmap(lambda t, y: jnp.stack([pulse(t, y), jax.grad(pulse)(t, y)]))
    rate = jax.grad(jax.grad(pulse))(0.2, 0.3)
    field = lambda y: both(jnp.full(1, 0.2), y)[0]  # noqa: E731
    found = moving.rhs(field, jnp.asarray(0.2), jnp.array([0.3]))
    np.testing.assert_allclose(found[1], rate, rtol=1e-12)


LINE = nivp.Box((-1.0,), (1.0,))


@pytest.mark.parametrize(
    "metric",
    [
        nivp.problems.Schwarzschild(1.5),
        nivp.problems.Schwarzschild(1.02),  # in a small part of the box
        lambda t, x: jnp.diag(jnp.array([-(x[0] ** 2), 1.0])),  # without a change of sign
        lambda t, x: jnp.diag(jnp.array([-1.0, (x[0] - 0.30003) ** 2])),
        lambda t, x: jnp.diag(jnp.array([-1.0, 1 - 2 * t])),  # at the second time
    ],
)
def test_a_metric_that_degenerates_is_refused(metric):
    domain = None if isinstance(metric, nivp.problems.Schwarzschild) else LINE
    problem = nivp.problems.WaveMaps(metric, domain=domain)
    with refused("`metric` degenerates in the domain"):
        nivp.solve(problem, ts=[0.0, 0.5, 1.0], key=KEY)


def test_metrics_that_are_none():
    with refused("`metric` has values of shape"):
        nivp.problems.WaveMaps(lambda t, x: jnp.eye(3))
    with refused("`metric` is not symmetric"):
        nivp.problems.WaveMaps(lambda t, x: jnp.array([[-1.0, 0.5], [0.0, 1.0]]), domain=LINE)
    with refused("`metric` must be a function of"):
        nivp.problems.WaveMaps(lambda x: -x, domain=LINE)
    with refused("`radius`"):
        nivp.problems.Schwarzschild(-1.0)
    nivp.problems.WaveMaps().check_times([0.0])  # its horizon touches the box
    expanding = lambda t, x: jnp.diag(jnp.array([-1.0, t ** (4 / 3)]))  # noqa: E731
    nivp.problems.WaveMaps(expanding, domain=LINE).check_times([1.0, 2.0])
