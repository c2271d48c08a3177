"""The problems of the catalogue, where their references do not look."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp


@pytest.mark.parametrize("width", [0.15, 0.4, 1.0])
def test_a_bump_on_a_torus_is_smooth_across_the_periods(width):
    """Poisson's sum: the Fourier coefficients of all images together are a Gaussian's."""
    length, velocity, t = 2.0, 0.7, 3.3
    torus = nivp.Torus((length,), lower=(-1.0,))
    problem = nivp.problems.Advection(domain=torus, width=width, velocity=[velocity])
    x = np.linspace(-1, 1, 41)
    waves = 2 * np.pi / length * np.arange(1, 60)
    phases = np.cos(np.outer(x - velocity * t, waves)) @ np.exp(-((waves * width) ** 2) / 2)
    wanted = width * np.sqrt(2 * np.pi) / length * (1 + 2 * phases) / (60 * np.pi * width**2)
    got = jax.vmap(lambda x: problem.exact(t, x))(jnp.asarray(x)[:, None])[:, 0]
    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12)
