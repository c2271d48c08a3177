"""The methods of a `Solution` that give its numbers to other tools."""

import abc
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ..errors import InputError, finite_array
from ..evolution import Segment
from ..extras import optional
from ..files import check_output, package_version, write_whole
from ..networks import AbstractNetwork
from ..problems import AbstractProblem
from ._datasets import field_dataset, record_dataset
from ._evaluate import checked_points, inside
from ._grid import Grid, increasing, make_grid
from ._vtk import check_series, write_series

if TYPE_CHECKING:
    import xarray


class AbstractDataMethods(abc.ABC):
    """Values on grids and at probes, as arrays, xarray datasets and files, for a `Solution`."""

    problem: AbstractProblem
    template: AbstractNetwork
    ts: np.ndarray
    segments: Sequence[Segment]
    record: dict[str, np.ndarray]
    result: str
    message: str

    @property
    @abc.abstractmethod
    def interval(self) -> tuple[float, float]:
        """The first and the last time at which u is known."""

    @abc.abstractmethod
    def __call__(self, t: ArrayLike, x: ArrayLike) -> Array:
        """u at times and points."""

    def on_grid(
        self, ts: ArrayLike | Sequence[float] | None = None, **axes: Any
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """u on the product of times and coordinates.

        **Arguments:**

        - `ts`: a time or increasing times, shape (T,); the saved times if not given.
        - `axes`: for each axis by its name, x0, x1, ... as in the names of faces, a number of
          points or increasing coordinates of shape (n_i,). Points lie evenly from end to end, on a
          periodic axis without the second end. If not given, 101 in one dimension, 65 along each
          axis in two and 33 in three; in more, and in all of space, each axis must be given.

        **Returns:** the coordinates by their names t, x0, x1, ..., and values of shape
        (T, n_0, ..., n_{d-1}, c), equal to those of `solution(t, x)`; NaN at points of the bounding
        box that lie outside of a domain such as a `Ball`.

        **Raises:** `InputError` for an unknown axis, coordinates outside of the bounding box, times
        outside of the interval, or more than 1e8 numbers.

        ```python
        coordinates, values = solution.on_grid(ts=[0.0, 0.01], x0=201)
        print(coordinates["x0"], values[-1, :, 0])
        ```
        """
        grid, _, values = self._on_grid(ts, axes)
        return {"t": grid.ts, **grid.axes}, values.reshape(*grid.shape, -1)

    def probes(
        self, points: ArrayLike | Sequence, ts: ArrayLike | Sequence[float] | None = None
    ) -> "xarray.Dataset":
        """Time series of u at points.

        **Arguments:**

        - `points`: shape (n, d), or (d,) for one.
        - `ts`: as for `on_grid`.

        **Returns:** a dataset as of `to_xarray`, with dimensions (t, probe); the coordinates x0,
        x1, ... of the probes belong to it.

        **Raises:** `InputError` for points outside of the domain or of another shape, and times as
        `on_grid`.

        ```python
        series = solution.probes([[0.25], [0.5]])
        print(series["u"].sel(probe=0).values)
        ```
        """
        optional("xarray", "data")
        domain, times = self.problem.domain, self._times(ts)
        places = finite_array("points", points)
        places = places[None] if places.ndim == 1 else places
        checked_points(domain, places, self._dtype, "points")
        if places.ndim != 2:
            raise InputError(f"`points` has shape {places.shape}, expected (n, d)")
        values = np.stack([np.asarray(self(float(t), places)) for t in times])
        axes = {name: ("probe", places[:, i]) for i, name in enumerate(domain.axis_names)}
        return self._dataset(("t", "probe"), {"t": times, **axes}, values)

    def to_xarray(
        self, ts: ArrayLike | Sequence[float] | None = None, **axes: Any
    ) -> "xarray.Dataset":
        """u on the grid of `on_grid` as an `xarray.Dataset`.

        **Arguments:** and **Raises:** as for `on_grid`.

        **Returns:** a variable for each component, by its name in `problem.component_names`, with
        dimensions (t, x0, x1, ...). Attributes: names of problem and network, the number of
        parameters, result and message of the solve, and the version of this library.

        ```python
        data = solution.to_xarray(x0=201)
        print(data["u"].sel(t=0.01, x0=0.3, method="nearest").item())
        ```
        """
        optional("xarray", "data")
        coordinates, values = self.on_grid(ts, **axes)
        return self._dataset(tuple(coordinates), coordinates, values)

    def record_to_xarray(self) -> "xarray.Dataset":
        """The quantities of `StepRecord` as an `xarray.Dataset`, along `step`: each attempt.

        ```python
        steps = solution.record_to_xarray()
        print(steps["t1"].where(steps["accepted"], drop=True).values)
        ```
        """
        problem = self.problem
        words = {"axis": problem.domain.axis_names, "invariant": tuple(sorted(problem.invariants))}
        return record_dataset(self.record, words, self._attributes())

    def to_netcdf(
        self,
        path: str | os.PathLike,
        ts: ArrayLike | Sequence[float] | None = None,
        **axes: Any,
    ) -> None:
        """Write the dataset of `to_xarray`, and that of the record as the group "record".

        **Arguments:**

        - `path`: of the file, which is replaced as a whole; its folder must exist.
        - `ts`, `axes`: as for `on_grid`.

        **Raises:** `InputError` for a path that cannot be a file, and as `on_grid`.

        ```python
        solution.to_netcdf("u.nc", x0=201)
        steps = xarray.load_dataset("u.nc", group="record")
        ```
        """
        file = check_output("path", path)
        optional("h5netcdf", "data")
        grid, record = self.to_xarray(ts, **axes), self.record_to_xarray()

        def write(draft: Path) -> None:
            grid.to_netcdf(draft, engine="h5netcdf")
            record.to_netcdf(draft, mode="a", group="record", engine="h5netcdf")

        write_whole(file, write)

    def write_vtk(
        self,
        path: str | os.PathLike,
        ts: ArrayLike | Sequence[float] | None = None,
        **axes: Any,
    ) -> None:
        """Write u on a grid at each time as VTK files, and a .pvd file that names them.

        The cells are lines, squares or cubes between the points of the grid, without those that
        have a corner outside of the domain.

        **Arguments:**

        - `path`: of the .pvd file. The files of the times go into the folder of the same name
          without the suffix.
        - `ts`, `axes`: as for `on_grid`, in one to three dimensions.

        **Raises:** `InputError` for a path without .pvd or that cannot be a file, more than three
        dimensions, and as `on_grid`.

        ```python
        solution.write_vtk("u.pvd", ts=[0.0, 0.01])
        ```
        """
        file = check_series(path, self.problem.domain.dimension)
        optional("pyevtk", "data")
        write_series(file, *self._on_grid(ts, axes), self.problem.component_names)

    def _on_grid(self, ts: Any, axes: dict[str, Any]) -> tuple[Grid, np.ndarray, np.ndarray]:
        """The grid, which of its points lie in the domain (n,), and values (T, n, c)."""
        problem = self.problem
        grid = make_grid(problem.domain, problem.components, self._times(ts), axes)
        points = grid.points()
        known = inside(problem.domain, jnp.asarray(points, self._dtype))
        values = np.full((len(grid.ts), len(points), problem.components), np.nan, self._dtype)
        for k, t in enumerate(grid.ts):
            values[k, known] = self(float(t), points[known])
        return grid, known, values

    def _times(self, ts: Any) -> np.ndarray:
        if ts is None:
            return self.ts
        times, (first, last) = finite_array("ts", ts), self.interval
        times = increasing("ts", times[None] if times.ndim == 0 else times, "a time or times")
        if times[0] < first or times[-1] > last:
            raise InputError(
                f"`ts` has times from {times[0]:g} to {times[-1]:g}, and the solution is known in "
                f"[{first:g}, {last:g}]"
            )
        return times

    @property
    def _dtype(self) -> np.dtype:
        return self.segments[0].theta.dtype

    def _dataset(
        self, dimensions: tuple[str, ...], coordinates: dict[str, Any], values: np.ndarray
    ) -> "xarray.Dataset":
        names = self.problem.component_names
        return field_dataset(names, dimensions, coordinates, values, self._attributes())

    def _attributes(self) -> dict[str, str | int]:
        return {
            "problem": self.problem.name,
            "network": type(self.template).__name__,
            "num_parameters": int(self.segments[0].theta.shape[1]),
            "result": self.result,
            "message": self.message,
            "neural_ivp_version": package_version(),
        }
