"""Directions of ridge expansions: hidden axes are found, and nothing breaks at the edges."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neural_ivp.fitting._directions import ridge_directions

from .helpers import KEY, refused

D, N = 4, 300
AXES = np.linalg.qr(np.random.default_rng(1).normal(size=(D, D)))[0].T
POINTS = jnp.asarray(np.random.default_rng(2).normal(size=(N, D)))


def quartic(axes=AXES, points=POINTS):
    """The sum of a quartic polynomial of each coordinate along the axes."""
    y = points @ jnp.asarray(axes, points.dtype).T
    return jnp.sum((y**2 - 1) ** 2 + y**3 / 4 - y, axis=1)


def directions(target, count=D, key=KEY, points=POINTS, **options):
    W, residual = ridge_directions(points, target, count, key, **options)
    assert W.shape == (count, D) and W.dtype == residual.dtype == points.dtype
    np.testing.assert_allclose(np.linalg.norm(W, axis=1), 1, rtol=1e-5)
    assert np.isfinite(residual)
    return np.asarray(W), float(residual)


def assert_found(W, axes, atol):
    """Each axis is a row of W, up to its sign."""
    np.testing.assert_allclose(np.abs(W @ axes.T).max(axis=0), 1, atol=atol)


def test_hidden_axes_are_found_and_the_key_decides_the_order():
    W, residual = directions(quartic(), num_restarts=6)
    assert residual < 1e-6
    overlaps = np.abs(W @ AXES.T)
    np.testing.assert_allclose(np.sort(overlaps, axis=1)[:, :-1], 0, atol=1e-6)
    assert_found(W, AXES, 1e-9)
    again = directions(quartic(), num_restarts=6)
    np.testing.assert_array_equal(W, again[0])
    assert not np.allclose(W, directions(quartic(), num_restarts=6, key=jax.random.key(5))[0])


def test_in_single_precision():
    points = POINTS.astype("float32")
    W, residual = directions(quartic(points=points), points=points, num_restarts=6)
    assert residual < 1e-4
    assert_found(W, AXES, 1e-4)


def test_targets_without_ridges():
    """A quadratic polynomial and zero: the rows are those of the start."""
    polynomial = 3 + POINTS[:, 0] - 2 * POINTS[:, 1] * POINTS[:, 2] + POINTS[:, 3] ** 2
    assert directions(polynomial)[1] < 1e-12
    assert directions(jnp.zeros(N))[1] == 0


def test_more_rows_than_axes():
    W, residual = directions(quartic(AXES[:3]), 5)
    assert residual < 1e-6
    assert_found(W, AXES[:3], 1e-6)


def test_known_rows_leave_the_others():
    known = jnp.asarray(AXES[:2])
    assert directions(quartic(), 2)[1] > 1e-2
    W, residual = directions(quartic(), 2, known=known)
    assert residual < 1e-6
    assert_found(W, AXES[2:], 1e-9)
    # A row given twice makes the linear part singular.
    assert directions(quartic(), 2, known=known[jnp.array([0, 1, 1])])[1] < 1e-6


def test_few_points_have_no_mixed_terms():
    """With 50 points and 15 terms only the squares are free: the quadratic terms need rows."""
    points, mixed = POINTS[:50], POINTS[:50, 0] * POINTS[:50, 1]
    assert directions(mixed, 2, points=points)[1] > 0.1
    W, residual = directions(mixed, 2, points=points, degrees=(2,), num_restarts=6)
    assert residual < 1e-6
    assert np.abs(W[:, 2:]).max() < 1


def test_the_residual_is_that_of_points_which_are_not_fitted():
    noise = jnp.asarray(np.random.default_rng(3).normal(size=N))
    spoiled = quartic().at[N - N // 5 :].add(noise[N - N // 5 :])
    (W, _), (same, residual) = (directions(f, num_restarts=1) for f in (quartic(), spoiled))
    np.testing.assert_allclose(W, same, atol=1e-9)
    held = np.asarray(spoiled - quartic())[N - N // 5 :]
    wanted = np.linalg.norm(held) / np.linalg.norm(spoiled[N - N // 5 :])
    np.testing.assert_allclose(residual, wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((POINTS, jnp.zeros(N - 1), 2, KEY), {}, "`target` has shape"),
        ((POINTS, jnp.zeros(N), 0, KEY), {}, "`count` must be"),
        ((POINTS[:, 0], jnp.zeros(N), 2, KEY), {}, "`points` has shape"),
        ((POINTS[:4], jnp.zeros(4), 2, KEY), {}, "at least 5"),
        ((POINTS, jnp.zeros(N), 2, KEY), {"known": jnp.eye(3)}, "`known` has shape"),
        ((POINTS, jnp.zeros(N), 2, KEY), {"degrees": ()}, "degrees"),
        ((POINTS, jnp.zeros(N), 2, KEY), {"degrees": (0, 3)}, "`degrees` must be"),
        ((POINTS, jnp.zeros(N), 2, KEY), {"tolerance": -1.0}, "`tolerance` must be"),
        ((POINTS, jnp.zeros(N), 2, 3), {}, "`key` must be"),
    ],
)
def test_bad_input_is_refused(arguments, options, words):
    with refused(words):
        ridge_directions(*arguments, **options)
