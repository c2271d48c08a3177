"""Numbers out of a solution: derivatives, grids, xarray, NetCDF, VTK and small files."""

import sys
import xml.etree.ElementTree as ElementTree

import jax
import jax.numpy as jnp
import meshio
import numpy as np
import pytest
import xarray as xr

import neural_ivp as nivp
from neural_ivp.evolution import Segment
from neural_ivp.networks import flatten
from neural_ivp.solution import _evaluate, _grid

from .helpers import KEY, TORUS, Fourier, Grid, refused

TS = np.array([0.0, 0.1, 0.2])
X = jnp.array([0.3])


@pytest.fixture(scope="module")
def solution():
    """A wave that travels around a torus, with a restart at t = 0.1."""
    problem = nivp.Problem(
        domain=TORUS,
        initial=lambda x: jnp.sin(x),
        rhs=lambda u, t, x: -nivp.partial(u, 0)(x),
        invariants={"mass": lambda u, x: u(x)[0]},
    )
    method = nivp.NeuralIVP(
        sampler=Grid(16),
        velocity_solver=nivp.LeastSquares(),
        integrator=nivp.AdaptiveStep(rtol=1e-4),
        fit=(nivp.LastLayer(num_points=64),),
        restart=nivp.PeriodicRestart(0.1),
    )
    return nivp.solve(problem, Fourier(2), method, ts=TS, key=KEY)


def moving(problem, network):
    """A solution of any equation, whose parameters move along a random path of two segments."""
    theta, rng = flatten(network)[0], np.random.default_rng(0)
    path = np.asarray(theta) + 0.1 * rng.normal(size=(6, len(theta)))
    rates = rng.normal(size=(6, len(theta)))
    second = isinstance(network, nivp.WithVelocity)
    if second:  # the rate of the parameters is their velocity
        rates[:, : len(theta) // 2] = path[:, len(theta) // 2 :]
    parts = [(path[k : k + 3], rates[k : k + 2], rates[k + 1 : k + 3]) for k in (0, 3)]
    times = np.array([[0.0, 0.04, 0.1], [0.1, 0.15, 0.2]])
    segments = [Segment(ts, *part, moving=second) for ts, part in zip(times, parts, strict=True)]
    return nivp.Solution(problem, network, TS, segments, {}, "successful", "", [])


def mlp(problem, components=1):
    domain, options = problem.domain, {"width": 3, "depth": 1, "num_frequencies": 1}
    return nivp.SinusoidalMLP(domain, components, key=KEY, **options)


def custom(domain, boundary=None, components=1, **options):
    return nivp.Problem(
        domain=domain,
        boundary=boundary,
        initial=lambda x: jnp.ones(components),
        rhs=lambda u, t, x: u(x),
        **options,
    )


@pytest.fixture(scope="module")
def rod():
    """A rod whose end is warmed: u depends on t through its lift too."""
    warm = nivp.Dirichlet(lambda t, x: jnp.sin(5 * t))
    problem = custom(nivp.Box((0.0,), (1.0,)), {"x0-": warm, "x0+": nivp.Free()})
    return moving(problem, mlp(problem))


@pytest.fixture(scope="module")
def string():
    problem = nivp.SecondOrderProblem(
        domain=nivp.Torus((1.0,)),
        initial=lambda x: jnp.sin(2 * jnp.pi * x),
        initial_velocity=lambda x: jnp.zeros(1),
        acceleration=lambda u, v, t, x: nivp.laplacian(u)(x),
    )
    network = nivp.WithVelocity(mlp(problem))
    rates = 0.3 * jax.random.normal(KEY, network.velocity.shape)
    return moving(problem, network.moving(rates))


@pytest.fixture(scope="module")
def disc():
    problem = custom(nivp.Ball((0.0, 0.0), 1.0), nivp.Free(), 2, component_names=("p", "q"))
    return moving(problem, mlp(problem, 2))


@pytest.fixture(scope="module")
def cube():
    axes = (nivp.Periodic(2.0), nivp.Interval(0.0, 1.0), nivp.Interval(0.0, 3.0))
    problem = custom(nivp.ProductDomain(axes), nivp.Free())
    return moving(problem, mlp(problem))


@pytest.fixture(scope="module")
def density():
    problem = nivp.problems.HarmonicTrap(2)
    return moving(problem, nivp.default_network(problem, num_directions=2, key=KEY))


@pytest.mark.parametrize("name", ["rod", "string"])
def test_derivatives_are_finite_differences(name, request):
    u, h, times = request.getfixturevalue(name), 1e-5, jnp.array([0.03, 0.06, 0.13])
    along_t, along_x = jax.jit(jax.vmap(jax.jacfwd(u, (0, 1)), (0, None)))(times, X)
    np.testing.assert_allclose(along_t, (u(times + h, X) - u(times - h, X)) / (2 * h), rtol=1e-5)
    difference = (u(times, X + h) - u(times, X - h)) / (2 * h)
    np.testing.assert_allclose(along_x[..., 0], difference, rtol=1e-5)
    np.testing.assert_allclose(jax.grad(lambda x: u(0.06, x)[0])(X), difference[1, :1], rtol=1e-5)


@pytest.mark.parametrize("name", ["rod", "string"])
def test_traced_arguments_give_the_same_values(name, request):
    u = request.getfixturevalue(name)
    times = np.array([0.0, 0.0123, 0.04, 0.1, 0.17, 0.2])  # between knots, at them, at a restart
    np.testing.assert_allclose(jax.jit(u)(jnp.asarray(times), X), u(times, X), rtol=1e-12)
    points = np.array([[0.2], [0.4]])  # known where the time is traced
    for x in (points, points[0], points[None]):
        np.testing.assert_allclose(jax.jit(lambda t, x=x: u(t, x))(0.05), u(0.05, x), rtol=1e-12)
    assert np.all(np.isnan(jax.jit(u)(jnp.full(6, 0.3), X)))  # outside of the interval


@pytest.mark.parametrize("name", ["solution", "cube", "density"])
def test_grid_values_are_those_of_the_solution(name, request, monkeypatch):
    u = request.getfixturevalue(name)
    monkeypatch.setattr(_grid, "DEFAULT_COUNTS", {1: 11, 2: 7, 3: 5})
    monkeypatch.setattr(_evaluate, "CHUNK_SIZE", 16)
    line = np.linspace(-1.0, 2.0, 5)
    coordinates, values = u.on_grid(**({"x0": line, "x1": line} if name == "density" else {}))
    times, *axes = coordinates.values()
    assert list(coordinates) == ["t", *u.problem.domain.axis_names]
    x = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    np.testing.assert_array_equal(values, u(times, x))
    np.testing.assert_array_equal(values[1], u(0.1, x))
    monkeypatch.setattr(_evaluate, "CHUNK_SIZE", 2**16)
    np.testing.assert_allclose(values[1], u(0.1, x), rtol=1e-12)


def test_a_periodic_axis_has_no_repeated_end(cube):
    coordinates, values = cube.on_grid(ts=0.1, x0=4, x1=[0.5], x2=3)
    np.testing.assert_allclose(coordinates["x0"], [0.0, 0.5, 1.0, 1.5])
    np.testing.assert_allclose(coordinates["x2"], [0.0, 1.5, 3.0])
    assert values.shape == (1, 4, 1, 3, 1)


def test_points_outside_of_a_disc_are_nan(disc):
    coordinates, values = disc.on_grid(ts=0.1, x0=9, x1=9)
    x = np.stack(np.meshgrid(coordinates["x0"], coordinates["x1"], indexing="ij"), axis=-1)
    known = np.linalg.norm(x, axis=-1) <= 1 + 1e-9
    assert np.all(np.isnan(values[0][~known])) and 0 < known.sum() < known.size
    np.testing.assert_array_equal(values[0][known], disc(0.1, x[known]))


GRIDS = [
    ("solution", {"x": 5}, "'x0'"),
    ("solution", {"x0": 0.3}, "x0"),
    ("solution", {"x0": 1}, "x0"),
    ("solution", {"x0": [0.2, 0.1]}, "increasing"),
    ("solution", {"x0": [1j]}, "complex"),
    ("solution", {"x0": 10**12}, "GB"),
    ("solution", {"ts": [0.1, 0.4]}, "ts"),
    ("solution", {"ts": []}, "ts"),
    ("rod", {"x0": [0.5, 1.5]}, "x0"),
    ("density", {"x0": [0.0]}, "x1"),
    ("density", {"x0": [0.0], "x1": 5}, "x1"),
]


@pytest.mark.parametrize(("name", "options", "words"), GRIDS)
def test_grids_that_cannot_be(name, options, words, request):
    with refused(words):
        request.getfixturevalue(name).on_grid(**options)


def test_more_than_three_dimensions_need_each_axis():
    problem = custom(nivp.Torus((1.0,) * 4))
    with refused("x3"):
        moving(problem, mlp(problem)).on_grid(x0=3, x1=3, x2=[0.5])


def test_probes_are_time_series(disc):
    points = np.array([[0.1, 0.2], [-0.3, 0.0]])
    series = disc.probes(points)
    assert series["q"].dims == ("t", "probe")
    np.testing.assert_array_equal(series["q"], disc(TS, points)[..., 1])
    np.testing.assert_array_equal(series["x1"], points[:, 1])
    with refused("points"):
        disc.probes([[0.9, 0.9]])


def test_datasets_round_trip_netcdf(solution, tmp_path):
    path = tmp_path / "u.nc"
    solution.to_netcdf(path, ts=[0.05, 0.1], x0=7)
    grid, record = solution.to_xarray(ts=[0.05, 0.1], x0=7), solution.record_to_xarray()
    assert grid["u"].dims == ("t", "x0") and record["residual_peak"].dims == ("step", "axis")
    assert record["invariants"]["invariant"].values.tolist() == ["mass"]
    np.testing.assert_array_equal(grid["u"], solution.on_grid([0.05, 0.1], x0=7)[1][..., 0])
    for name, values in solution.record.items():
        np.testing.assert_array_equal(record[name], values)
    xr.testing.assert_identical(xr.load_dataset(path), grid)
    xr.testing.assert_identical(xr.load_dataset(path, group="record"), record)
    assert [file.name for file in tmp_path.iterdir()] == ["u.nc"]


def test_names_of_components_and_coordinates_differ():
    problem = custom(TORUS, component_names=("t",))
    with refused("component_names"):
        moving(problem, mlp(problem)).to_xarray(x0=3)


@pytest.mark.parametrize(
    ("name", "kind"), [("rod", "line"), ("disc", "quad"), ("cube", "hexahedron")]
)
def test_vtk_series(name, kind, request, tmp_path):
    u = request.getfixturevalue(name)
    d = u.problem.domain.dimension
    u.write_vtk(tmp_path / "series.pvd", ts=[0.05, 0.2], **{f"x{i}": 9 for i in range(d)})
    entries = list(ElementTree.parse(tmp_path / "series.pvd").iter("DataSet"))
    assert [float(entry.get("timestep")) for entry in entries] == [0.05, 0.2]
    for entry in entries:
        mesh = meshio.read(tmp_path / entry.get("file"))
        values = u(float(entry.get("timestep")), mesh.points[:, :d])
        for k, component in enumerate(u.problem.component_names):
            np.testing.assert_allclose(mesh.point_data[component].ravel(), values[:, k], rtol=1e-12)
        (cells,) = mesh.cells
        assert cells.type == kind and len(cells.data) > 4
        corners = mesh.points[cells.data]
        sides = np.linalg.norm(np.roll(corners[:, :4], 1, axis=1) - corners[:, :4], axis=-1)
        np.testing.assert_allclose(sides, np.broadcast_to(sides[:1], sides.shape))
        if name == "disc":  # corners go around, and no cell crosses the circle
            assert np.all(np.linalg.norm(corners, axis=-1) < 1 + 1e-9)
            np.testing.assert_allclose(sides, 0.25)


def test_a_file_of_the_saved_times_alone(solution, tmp_path):
    whole, small = tmp_path / "whole.nivp", tmp_path / "small.nivp"
    solution.save(whole)
    solution.save(small, dense=False)
    assert small.stat().st_size < whole.stat().st_size
    loaded = nivp.load(small, problem=solution.problem, network=solution.template)
    assert solution.dense and not loaded.dense
    np.testing.assert_array_equal(loaded(TS, X), solution(TS, X))
    np.testing.assert_array_equal(loaded.on_grid(x0=5)[1], solution.on_grid(x0=5)[1])
    with refused("saved times"):
        loaded(0.05, X)
    with refused("saved times"):
        jax.grad(lambda t: loaded(t, X)[0])(0.1)
    loaded.save(whole)  # there is no more to write
    again = nivp.load(whole, problem=solution.problem, network=solution.template)
    np.testing.assert_array_equal(again(TS, X), solution(TS, X))
    assert loaded.plot() is not None and loaded.report()


WRITERS = [
    lambda u, path: u.save(path),
    lambda u, path: u.to_netcdf(path, x0=3),
    lambda u, path: u.write_vtk(path, x0=3),
]


@pytest.mark.parametrize("write", WRITERS)
def test_a_missing_folder_is_named(write, solution, tmp_path):
    with refused("nowhere.*make it"):
        write(solution, tmp_path / "nowhere" / "u.pvd")
    with refused("folder"):
        write(solution, tmp_path)
    with refused("path"):
        write(solution, 3)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("library", "write"),
    [("xarray", WRITERS[1]), ("h5netcdf", WRITERS[1]), ("pyevtk", WRITERS[2])],
)
def test_a_missing_library_is_named(library, write, solution, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ModuleNotFoundError, match=rf"{library}.*neural-ivp\[data\]"):
        write(solution, tmp_path / "u.pvd")
