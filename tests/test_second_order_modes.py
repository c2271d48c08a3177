"""The lowest modes of second-order problems, against exact ones."""

import math
from collections.abc import Callable

import diffrax as dfx
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import scipy.special

import neural_ivp as nivp

from .helpers import KEY
from .second_order import BOX, klein_gordon


class Chebyshev(nivp.networks.AbstractNetwork):
    """Chebyshev polynomials of 2 s(x) - 1 with trainable weights: linear in its parameters."""

    weights: jax.Array
    coordinate: Callable = eqx.field(static=True)

    @property
    def trainable(self):
        return self.weights

    @property
    def head(self):
        return self.weights

    def __call__(self, x):
        s = 2 * self.coordinate(x) - 1
        values = [jnp.ones_like(s), s]
        while len(values) < self.weights.shape[1]:
            values.append(2 * s * values[-1] - values[-2])
        return self.weights @ jnp.stack(values)

    def reinitialised(self, key):
        return Chebyshev(jax.random.normal(key, self.weights.shape), self.coordinate)


def bessel(square):
    """J_0 of a root, by its power series."""
    return sum((-square / 4) ** k * (1 / math.factorial(k) ** 2) for k in range(14))


ROOT = scipy.optimize.brentq(lambda k: k * np.cos(k) + np.sin(k), 1.6, 3.1)


ZERO = scipy.special.jn_zeros(0, 1)[0]


# Domain, conditions, the lowest mode, its frequency, the coordinate of the polynomials, rtol.
MODES = {
    "a fixed and an elastic end": (
        BOX,
        {"x0-": nivp.Dirichlet(0.0), "x0+": nivp.Robin(1.0, 1.0)},
        lambda x: jnp.sin(ROOT * x),
        ROOT,
        lambda x: x[0],
        1e-4,
    ),
    "a drum": (
        nivp.Ball((0.0, 0.0), 1.0),
        nivp.Dirichlet(0.0),
        lambda x: bessel(ZERO**2 * jnp.sum(x**2))[None],
        ZERO,
        lambda x: jnp.sum(x**2),
        1e-3,
    ),
}


@pytest.mark.parametrize("name", MODES)
def test_the_lowest_mode(name):
    """mode(x) cos(w t) for a quarter of a period, by a network that is linear in its weights."""
    domain, boundary, mode, w, coordinate, rtol = MODES[name]
    problem = klein_gordon(
        domain=domain,
        boundary=boundary,
        initial=mode,
        initial_velocity=lambda x: 0 * mode(x),
        acceleration=lambda u, v, t, x: nivp.laplacian(u)(x),
        reference=None,
        invariants={},
        time_scale=1 / w,
    )
    method = nivp.NeuralIVP(
        sampler=nivp.Uniform(100),
        velocity_solver=nivp.LeastSquares(damping=1e-16),
        integrator=nivp.AdaptiveStep(dfx.Tsit5(), rtol=rtol, atol=rtol / 100),
        fit=(nivp.LastLayer(num_points=200),),
    )
    network = Chebyshev(jnp.zeros((1, 6)), coordinate)
    t = np.pi / w / 2
    solution = nivp.solve(problem, network, method, ts=[0.0, t / 2, t], key=KEY)
    x = jnp.asarray(domain.low_discrepancy_points(200), float)
    wanted = np.asarray(jax.vmap(mode)(x))
    for time in (t / 2, t):
        u, v = np.split(np.asarray(solution(time, x)), 2, axis=1)
        miss = np.hypot(u - wanted * np.cos(w * time), v / w + wanted * np.sin(w * time))
        assert np.linalg.norm(miss) < 10 * rtol * np.linalg.norm(wanted)
