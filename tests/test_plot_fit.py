"""The figures of fits: what they draw is what these say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp

from .figures import LENGTH, checked, labelled, titled, words
from .helpers import refused


def fitted(target, domain, components=1, stages=None):
    """A fit of a tiny network, and its figure."""
    network = nivp.SinusoidalMLP(domain, components, width=4, depth=1, key=jax.random.key(3))
    stages = (nivp.LastLayer(num_points=100),) if stages is None else stages
    made = nivp.fit(network, target, domain, stages, key=jax.random.key(4))
    return made, checked(nivp.plot_fit(made, target, domain))


def values(field, points):
    return np.asarray(jax.vmap(field)(jnp.asarray(points)))[:, 0]


def test_a_fit_in_one_dimension_and_its_stages():
    stages = (
        nivp.Adam(steps=20, num_points=50, reports=4),
        nivp.LastLayer(num_points=100),
        nivp.GaussNewton(steps=4, report_every=2, sampler=nivp.QuasiMonteCarlo(100)),
    )
    domain = nivp.Torus((LENGTH,))
    made, figure = fitted(lambda x: jnp.concatenate([jnp.sin(x), 2 + x]), domain, 2, stages)
    above, below, history = figure.axes
    fit, target = above.get_lines()
    x = fit.get_xdata()
    assert (x[0], x[-1]) == (0, LENGTH)
    u = values(made.network, x[:, None])
    np.testing.assert_allclose(fit.get_ydata(), u)
    np.testing.assert_allclose(target.get_ydata(), np.sin(x))
    np.testing.assert_allclose(below.get_lines()[0].get_ydata(), np.abs(u - np.sin(x)))
    assert below.get_yscale() == history.get_yscale() == "log"
    assert "component 0, $u$, of 2" in words(figure) and "24 steps" in words(figure)
    curves = {line.get_label(): line for line in history.get_lines()}
    assert curves["adam"].get_xdata().tolist() == [5, 10, 15, 20]
    assert curves["last layer"].get_xdata().tolist() == [21]
    assert curves["gauss-newton"].get_xdata().tolist() == [23, 25]
    drawn = [curves[name].get_ydata() for name in ("adam", "last layer", "gauss-newton")]
    np.testing.assert_array_equal(np.concatenate(drawn), [part.error for part in made.history])
    returned = curves["returned network"].get_ydata()
    np.testing.assert_array_equal(returned, made.relative_l2_error)


def test_a_fit_in_two_dimensions():
    def target(x):
        return jnp.sin(x[:1]) * x[1:]

    made, figure = fitted(target, nivp.Box((0.0, -1.0), (3.0, 1.0)))
    wanted, fit, error = (titled(figure, name) for name in ("Target", "Fit", "Pointwise error"))
    wanted, fit, error = (axes.get_images()[0] for axes in (wanted, fit, error))
    rows, columns = fit.get_array().shape
    x = 3.0 * (np.arange(columns) + 0.5) / columns
    y = -1 + 2.0 * (np.arange(rows) + 0.5) / rows
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    u, w = values(made.network, points), values(target, points)
    for image, expected in ((wanted, w), (fit, u), (error, np.abs(u - w))):
        np.testing.assert_allclose(image.get_array().ravel(), expected, atol=1e-12)
        assert image.get_extent() == [0, 3, -1, 1]
    assert fit.norm is wanted.norm and error.norm.vmin == 0
    assert "component" not in words(figure) and "slice" not in words(figure)


def test_a_fit_of_samples_in_one_dimension():
    """Those of another period are drawn where they lie in this one."""
    domain = nivp.Torus((LENGTH,))
    points = np.linspace(-LENGTH, LENGTH, 40, endpoint=False)[:, None]
    made, figure = fitted(nivp.ScatteredData(domain, points, np.cos(points)), domain)
    above, below, _ = figure.axes
    x = labelled(above, "samples").get_xdata()
    np.testing.assert_allclose(x, points[:, 0] % LENGTH, atol=1e-12)
    wanted, (error,) = labelled(above, "samples").get_ydata(), below.get_lines()
    np.testing.assert_allclose(wanted, np.cos(points[:, 0]))
    u = values(made.network, x[:, None])
    np.testing.assert_allclose(error.get_ydata(), np.abs(u - wanted), atol=1e-12)


def test_a_fit_of_samples_in_three_dimensions():
    domain = nivp.Box((0.0, 0.0, 1.0), (1.0, 2.0, 5.0))
    points = domain.low_discrepancy_points(50)
    made, figure = fitted(nivp.ScatteredData(domain, points, points.prod(axis=1)), domain)
    (dots,) = titled(figure, "Error at the samples").collections
    error = np.abs(values(made.network, points) - points.prod(axis=1))
    order = np.argsort(error)
    np.testing.assert_allclose(dots.get_array(), error[order], atol=1e-12)
    np.testing.assert_allclose(dots.get_offsets(), points[order, :2])
    assert titled(figure, "Fit").get_images() and "slice through the largest" in words(figure)
    assert "samples of the whole domain" in words(figure)


@pytest.mark.parametrize("dimension", [1, 2])
def test_a_fit_that_is_not_finite_or_took_no_step_still_draws(dimension):
    domain = nivp.Torus((1.0,) * dimension)
    network = nivp.SinusoidalMLP(domain, 1, width=4, depth=1, key=jax.random.key(3))
    theta, rebuild = nivp.networks.flatten(network)
    history = (nivp.fitting.FitProgress("adam", 1, 1, np.nan),)
    for made in (
        nivp.fitting.FitResult(rebuild(theta * np.nan), np.nan, np.nan, 1, (), history),
        nivp.fitting.FitResult(network, 0.0, 0.0, 0, (), ()),
    ):
        figure = checked(nivp.plot_fit(made, lambda x: x[:1], domain), finite=False)
    assert "no stage was run" in [text.get_text() for text in figure.axes[-1].texts]


def test_what_does_not_belong_to_a_fit_is_refused():
    domain = nivp.Torus((1.0,))
    network = nivp.SinusoidalMLP(domain, 1, width=4, depth=1, key=jax.random.key(3))
    made = nivp.fitting.FitResult(network, 0.1, 0.1, 0, (), ())
    samples = nivp.ScatteredData(nivp.Box((0.0,), (1.0,)), [[0.1], [0.2]], [1.0, 2.0])
    for arguments, message in (
        ((network, jnp.sin, domain), "`fitted` must be a FitResult"),
        ((made, jnp.sin, 1), "`domain` must be an AbstractDomain"),
        ((made, lambda x: x[0], domain), r"the value of `target` has shape \(\), expected \(1,\)"),
        ((made, samples, domain), "`target` has samples of another domain"),
    ):
        with refused(message):
            nivp.plot_fit(*arguments)
