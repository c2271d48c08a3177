"""Operators against derivatives by hand."""

import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp

X = jnp.array([0.3, -0.7])


def u(x):
    return jnp.stack([jnp.sin(x[0]) * x[1] ** 3, jnp.exp(x[0] * x[1])])


def test_partial_derivatives():
    a, b = X
    np.testing.assert_allclose(nivp.partial(u, 0)(X), [np.cos(a) * b**3, b * np.exp(a * b)])
    np.testing.assert_allclose(
        nivp.partial(u, 0, 1)(X), [3 * np.cos(a) * b**2, (1 + a * b) * np.exp(a * b)]
    )


def test_gradient_hessian_laplacian_agree():
    for axis in (-1, 2, 0.5, "x0"):
        with pytest.raises(nivp.InputError, match="x with axes 0 to 1"):
            nivp.partial(u, axis)(X)
    gradient = np.stack([nivp.partial(u, i)(X) for i in range(2)], axis=-1)
    np.testing.assert_allclose(nivp.grad(u)(X), gradient)
    hessian = nivp.hessian(u)(X)
    assert hessian.shape == (2, 2, 2)
    np.testing.assert_allclose(hessian[:, 0, 1], nivp.partial(u, 1, 0)(X))
    np.testing.assert_allclose(nivp.laplacian(u)(X), np.trace(hessian, axis1=1, axis2=2))
    a, b = X
    exact = [-np.sin(a) * b**3 + 6 * np.sin(a) * b, (a**2 + b**2) * np.exp(a * b)]
    np.testing.assert_allclose(nivp.laplacian(u)(X), exact)


def test_divergence_of_a_flux():
    def flux(x):
        return x**2 * u(x)[0]

    a, b = X
    exact = 2 * a * np.sin(a) * b**3 + a**2 * np.cos(a) * b**3 + 5 * b**4 * np.sin(a)
    np.testing.assert_allclose(nivp.divergence(flux)(X), exact)
