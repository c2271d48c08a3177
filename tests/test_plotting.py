"""The figures of solutions: what they draw is what these say, on every kind of them."""

import ast
import dataclasses
import re
from pathlib import Path

import diffrax as dfx
import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp import plotting

from .figures import LENGTH, RESTARTS, drawn, half, labelled, made, plane, titled, words
from .helpers import refused


@pytest.fixture(scope="module")
def heat():
    """A real solve; the others are made."""
    problem = nivp.problems.Heat(dimension=1, domain=nivp.Torus((LENGTH,)))
    network = nivp.SinusoidalMLP(
        problem.domain, 1, width=8, depth=1, num_frequencies=1, key=jax.random.key(0)
    )
    method = nivp.NeuralIVP(
        sampler=nivp.QuasiMonteCarlo(60),
        velocity_solver=nivp.RidgeCholesky(damping=1e-6),
        integrator=nivp.AdaptiveStep(dfx.Bosh3(), rtol=1e-2),
        fit=(nivp.LastLayer(num_points=100),),
    )
    ts = np.linspace(0, 0.6, 7)
    return nivp.solve(problem, network, method, ts=ts, key=jax.random.key(1))


@pytest.fixture(scope="module")
def heat_figure(heat):
    return drawn(heat)


@pytest.fixture(scope="module")
def plane_figure():
    return drawn(plane(), half)


def test_one_dimension_draws_the_solution(heat, heat_figure):
    figure = heat_figure
    assert len(figure.axes) == 3 + 3  # a direct solver has no iterations to show
    exact = heat.problem.reference(0.0)
    curves = titled(figure, "Network and reference").get_lines()
    errors = titled(figure, "Pointwise error").get_lines()
    times = plotting.field_times(heat.problem.domain, heat.ts)
    assert len(curves) == 2 * len(times) and len(errors) == len(times)
    for t, network, reference, error in zip(times, curves[::2], curves[1::2], errors, strict=True):
        x = network.get_xdata()[:, None]
        u, w = np.asarray(heat(t, x))[:, 0], exact(t, x)[:, 0]
        np.testing.assert_allclose(network.get_ydata(), u, atol=1e-7)
        np.testing.assert_allclose(reference.get_ydata(), w, atol=1e-7)
        np.testing.assert_allclose(error.get_ydata(), np.abs(u - w), atol=2e-7)


def test_space_time_map_has_time_upwards(heat, heat_figure):
    axes = titled(heat_figure, "Network in space and time")
    (image,) = axes.get_images()
    values, (left, right, bottom, top) = image.get_array(), image.get_extent()
    assert (left, right, bottom, top) == (0, LENGTH, *heat.interval)
    rows, columns = values.shape
    t = bottom + (top - bottom) * (rows - 0.5) / rows
    x = left + (right - left) * (np.arange(columns) + 0.5) / columns
    np.testing.assert_allclose(values[-1], heat(t, x[:, None])[:, 0], atol=1e-6)


def test_errors_are_those_of_the_solution(heat, heat_figure):
    line = labelled(titled(heat_figure, "Relative"), "all")
    report = heat.error()
    np.testing.assert_array_equal(line.get_xdata(), report.ts)
    np.testing.assert_array_equal(line.get_ydata(), report.relative_l2)
    title = words(heat_figure)
    assert plotting.scientific(report.overall) in title
    assert "Heat in 1 dimension" in title and "diffusivity 1" in title


def test_restarts_are_vertical_lines_in_every_panel_over_time(heat_figure, plane_figure):
    for figure, restarts in ((heat_figure, ()), (plane_figure, RESTARTS)):
        for axes in figure.axes[-3:]:
            vertical = [line.get_xdata()[0] for line in axes.get_lines() if _is_vertical(line)]
            assert vertical == list(restarts)


def _is_vertical(line):
    return np.array_equal(line.get_ydata(), [0, 1]) and np.ptp(line.get_xdata()) == 0


def test_steps_accepted_and_rejected(plane_figure):
    record = plane().record
    kept = record["accepted"]
    assert 0 < kept.sum() < kept.size
    for title, values in {
        "Step size": record["t1"] - record["t0"],
        "CG iterations": record["iterations"],
        "Projection residual": record["projection_residual"],
    }.items():
        axes = titled(plane_figure, title)
        np.testing.assert_array_equal(labelled(axes, "accepted").get_ydata(), values[kept])
        np.testing.assert_array_equal(labelled(axes, "rejected").get_ydata(), values[~kept])


def test_two_dimensions_draw_network_reference_error(plane_figure):
    solution, figure = plane(), plane_figure
    assert len(figure.axes) == 3 * 4 + 4
    times = plotting.field_times(solution.problem.domain, solution.ts)
    maps = np.reshape(figure.axes[:12], (3, 4))
    for i, t in enumerate(times):
        network, reference, error = (axes.get_images()[0] for axes in maps[:, i])
        assert maps[0, i].get_title() == f"$t$ = {t:.3g}"
        rows, columns = network.get_array().shape
        x = 3.0 * (np.arange(columns) + 0.5) / columns
        y = -1 + 2.0 * (np.arange(rows) + 0.5) / rows
        points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        u, w = np.asarray(solution(t, points))[:, 0], half(t, points)[:, 0]
        shape = (rows, columns)
        np.testing.assert_allclose(network.get_array(), u.reshape(shape), atol=1e-6)
        np.testing.assert_allclose(reference.get_array(), w.reshape(shape), atol=1e-6)
        np.testing.assert_allclose(error.get_array(), np.abs(u - w).reshape(shape), atol=1e-6)
        assert network.norm is reference.norm and network.cmap.name == reference.cmap.name
        assert error.norm.vmin == 0
        assert network.get_extent() == [0, 3, -1, 1] and maps[0, i].get_aspect() == 1
    assert "component 0" in words(figure)
    assert maps[2, 0].get_xlabel() == "$x_{0}$" and "$x_{1}$" in maps[2, 0].get_ylabel()


def test_each_component_has_its_error_and_its_row(plane_figure):
    axes = titled(plane_figure, "Relative")
    report = plane().error(half)
    np.testing.assert_array_equal(labelled(axes, "all").get_ydata(), report.relative_l2)
    for k, name in enumerate("uv"):
        line = labelled(axes, f"${name}$")
        np.testing.assert_array_equal(line.get_ydata(), report.relative_l2_by_component[:, k])
    many = nivp.Problem(
        domain=nivp.Torus((LENGTH,)),
        initial=lambda x: jnp.concatenate([jnp.sin(x + k) for k in range(4)]),
        rhs=lambda u, t, x: u(x),
    )
    figure = drawn(made(many), lambda t, x: np.sin(x + np.arange(4)))
    assert len(figure.axes) == 4 * 3 + 4
    assert [axes.get_ylabel() for axes in figure.axes[:12:3]] == [f"$u_{{{k}}}$" for k in range(4)]


def test_scales_are_shared_unless_the_solution_fades(plane_figure):
    fading = drawn(plane(growth=3.0), half)
    shared, own = (
        [axes.get_images()[0].norm for axes in figure.axes[:4]] for figure in (plane_figure, fading)
    )
    assert all(norm is shared[0] for norm in shared)
    assert len(set(map(id, own))) == 4
    assert "that time alone" in words(fading) and "that time alone" not in words(plane_figure)


def test_without_reference_the_title_says_so():
    figure = drawn(plane())
    assert len(figure.axes) == 4 + 3
    assert "no reference is known" in words(figure)
    assert "relative" not in words(figure)


@pytest.fixture(scope="module")
def block():
    """In three dimensions."""
    return made(nivp.problems.Heat(domain=nivp.Box((0.0, 0.0, 1.0), (1.0, 1.0, 5.0))))


def test_three_dimensions_are_a_plane_through_the_largest_values(block):
    domain = block.problem.domain
    figure = drawn(block)
    assert len(figure.axes) == 3 * 4 + 4
    times = plotting.field_times(domain, block.ts)
    points = domain.low_discrepancy_points(5_000)
    u = np.abs(np.stack([block(t, points)[:, 0] for t in times]))
    maximum = np.mean(u / u.max(axis=1, keepdims=True), axis=0).max()
    position = _position(figure)
    values = figure.axes[0].get_images()[0].get_array()
    middle = (np.arange(values.shape[0]) + 0.5) / values.shape[0]
    x = np.array([middle[0], middle[40], position])
    np.testing.assert_allclose(values[40, 0], block(0.0, x)[0], atol=2e-3)
    first, second = (g.ravel() for g in np.meshgrid(middle, middle))
    plane = np.stack([first, second, np.full(first.size, position)], axis=1)
    shown = np.abs(np.stack([block(t, plane)[:, 0] for t in times]))
    assert np.mean(shown / u.max(axis=1, keepdims=True), axis=0).max() > 0.99 * maximum


def _position(figure):
    return float(re.search(r"slice .* = (-?[\d.]+)", words(figure))[1])


def test_axes_choose_the_plane(block):
    maps = drawn(block, axes=(2, 0)).axes[:12]
    assert maps[0].get_images()[0].get_extent() == [1, 5, 0, 1]
    assert maps[-1].get_xlabel() == "$x_{2}$" and "$x_{0}$" in maps[-4].get_ylabel()
    for wrong in ((0, 3), (1, 1), (0,), 1, ("x", "y"), (0.0, 1.0)):
        with refused("`axes` must be two of 0, ..., 2"):
            block.plot(axes=wrong)


def test_a_density_in_three_dimensions_shows_its_marginals():
    """Of a normal density that hardly moves, of which the correlated pair is shown."""
    covariance = np.array([[0.3, 0.0, 0.2], [0.0, 0.1, 0.0], [0.2, 0.0, 0.4]])
    initial = nivp.Gaussian([1.0, 0.0, -1.0], covariance)
    problem = nivp.FokkerPlanck(lambda t, x: 0 * x, 1e-9, initial)
    network = nivp.default_network(problem, num_directions=1, key=jax.random.key(0))
    network = eqx.tree_at(lambda net: net.head, network, replace_fn=lambda a: 0 * a)
    solution = made(problem, growth=1.0, network=network)
    figure = drawn(dataclasses.replace(solution, ts=solution.ts[:1]))
    curves = [titled(figure, f"Marginal density of $x_{{{k}}}$") for k in range(3)]
    for k, axes in enumerate(curves):
        for line in axes.get_lines():
            x = line.get_xdata() - initial.mean[k]
            normal = np.exp(-(x**2) / 2 / covariance[k, k])
            normal /= np.sqrt(2 * np.pi * covariance[k, k])
            np.testing.assert_allclose(line.get_ydata(), normal, atol=0.03 * normal.max())
    maps = [axes for axes in figure.axes if axes.get_images()]
    assert maps[0].get_xlabel() == "$x_{0}$" and "$x_{2}$" in maps[0].get_ylabel()
    (image,) = maps[0].get_images()
    left, right, bottom, top = image.get_extent()
    values = np.asarray(image.get_array())
    n = len(values)
    x = left + (right - left) * (np.arange(n) + 0.5) / n
    y = bottom + (top - bottom) * (np.arange(n) + 0.5) / n
    points = np.stack(np.meshgrid(x - initial.mean[0], y - initial.mean[2]), axis=-1)
    part = covariance[np.ix_([0, 2], [0, 2])]
    exponent = np.einsum("yxi,ij,yxj->yx", points, np.linalg.inv(part), points)
    normal = np.exp(-exponent / 2) / (2 * np.pi * np.sqrt(np.linalg.det(part)))
    np.testing.assert_allclose(values, normal, atol=0.02 * normal.max())


@pytest.mark.parametrize(("count", "known"), [(1, False), (2, False), (2, True), (3, True)])
def test_few_times_fill_the_figure(count, known):
    whole = plane()
    part = dataclasses.replace(whole, ts=whole.ts[:: 4 // max(count - 1, 1)][:count])
    figure = part.plot(half if known else None)
    top = figure.subfigs[0].subfigs[0].bbox
    figure.set_dpi(40)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[:, :, :3]
    rows = slice(int(pixels.shape[0] - top.y1), int(pixels.shape[0] - top.y0))
    area = pixels[rows, int(top.x0) : int(top.x1)]
    assert np.mean(np.any(area.min(axis=2) < 200, axis=0)) > 0.8  # columns that show something


@pytest.mark.parametrize("dimension", [1, 2])
def test_a_solve_that_accepts_no_step_still_draws(dimension):
    whole = made(nivp.problems.Heat(dimension))
    record = {name: values[2:3] for name, values in whole.record.items()}
    record["projection_residual"] = np.array([np.nan])
    first = whole.segments[0]
    start = nivp.evolution.Segment(first.ts[:1], first.theta[:1], first.left[:0], first.right[:0])
    stuck = dataclasses.replace(
        whole, ts=whole.ts[:1], segments=[start], record=record, result="nonfinite", message="$ _"
    )
    figure = drawn(stuck, finite=False)
    assert len(figure.axes) == (2 if dimension == 1 else 3) + 4
    assert "ended early at $t$ = 0" in words(figure) and "nonfinite: " in words(figure)
    assert labelled(titled(figure, "Step size"), "rejected").get_ydata().size == 1


def test_a_solve_that_tried_no_step_still_draws():
    whole = made(nivp.problems.Heat(1))
    record = {name: values[:0] for name, values in whole.record.items()}
    first = whole.segments[0]
    start = nivp.evolution.Segment(first.ts[:1], first.theta[:1], first.left[:0], first.right[:0])
    stopped = dataclasses.replace(
        whole, ts=whole.ts[:1], segments=[start], record=record, result="interrupted", message="-"
    )
    assert "ended early at $t$ = 0" in words(drawn(stopped, finite=False))


@pytest.mark.parametrize("dimension", [1, 2])
def test_a_field_that_vanishes_still_draws(dimension):
    """Relative errors are undefined, pointwise ones 0 and every range empty."""
    problem = nivp.problems.Heat(domain=nivp.Torus((1.0,) * dimension))
    solution = made(problem)
    segment = solution.segments[0]
    zero = nivp.evolution.Segment(segment.ts, segment.theta * 0, segment.left, segment.right)
    solution = dataclasses.replace(solution, segments=[zero])
    figure = drawn(solution, lambda t, x: np.zeros((len(x), 1)), finite=False)
    assert "undefined" in words(figure)


@pytest.mark.parametrize("count", [1, 2, 5, 6, 101])
def test_few_times_are_saved_ones_with_both_ends(count):
    ts = np.linspace(0, 2, count) ** 2
    chosen = plotting.field_times(nivp.Box((0.0,), (1.0,)), ts)
    assert len(chosen) <= 5 and set(chosen) <= set(ts)
    assert chosen[0] == ts[0] and chosen[-1] == ts[-1] and np.all(np.diff(chosen) > 0)


def test_a_reference_of_the_wrong_shape_is_refused(heat):
    with refused("`reference` returned shape"):
        heat.plot(lambda t, x: np.zeros(len(x)))


def test_a_problem_that_refuses_its_reference_is_drawn(heat, monkeypatch):
    def refuse(self, t0):
        raise nivp.InputError("the bump does not fit")

    monkeypatch.setattr(type(heat.problem), "reference", refuse)
    assert "no reference is known" in words(drawn(heat))


def test_titles_name_the_unknown_or_what_the_user_said(plane_figure):
    def name(components, **options):
        domain = nivp.Torus((1.0,))
        shared = dict(domain=domain, rhs=lambda u, t, x: u(x))
        return nivp.Problem(initial=lambda x: jnp.tile(x, components), **shared, **options).name

    assert words(plane_figure).startswith("(u, v)(t, x) in 2 dimensions")
    assert name(1) == "u(t, x)" and name(9) == "(u0, ..., u8)(t, x)"
    assert name(2, component_names=("E", "B")) == "(E, B)(t, x)"
    assert name(1, name="Rod") == "Rod"
    assert plotting.plain("Rod at 5 $, $x^2$") == r"Rod at 5 \$, \$x^2\$"
    assert plotting.plain("$u_t = u^2$") == "$u_t = u^2$"
    string = nivp.SecondOrderProblem(
        domain=nivp.Torus((1.0,)),
        initial=lambda x: x,
        initial_velocity=lambda x: x,
        acceleration=lambda u, v, t, x: u(x),
    )
    assert string.name == "u(t, x)"
    for wrong in ("", " ", 3):
        with refused("`name` must be a text"):
            name(1, name=wrong)


def test_a_notebook_shows_the_figure(plane_figure):
    assert plane_figure._repr_png_().startswith(b"\x89PNG")


def test_a_dark_style_does_not_reach_the_figure(heat):
    with mpl.style.context("dark_background"):
        figure = heat.plot()
    assert figure.get_facecolor() == (1, 1, 1, 1)
    for axes in figure.axes:
        assert axes.get_facecolor() == (1, 1, 1, 1) and axes.title.get_color() == "black"


def test_no_pyplot_and_no_global_state(heat):
    before = dict(mpl.rcParams)
    assert isinstance(heat.plot(), mpl.figure.Figure)
    assert dict(mpl.rcParams) == before
    for path in Path(plotting.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert "pyplot" not in ast.unparse(node), path
