"""`neural-ivp evaluate DIR`: values of a solution at times and points, as CSV or NetCDF."""

import csv
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import InputError
from ..extras import optional
from ..files import check_output, write_whole
from ..solution import Solution
from ..types import Reference
from ._points import read_grid, read_points
from ._saved_run import saved_run

KINDS = ("reference", "error")  # after the values, with `--reference`


def evaluate(
    folder: str,
    *,
    out: str,
    times: Sequence[float] | None = None,
    points: str | None = None,
    grid: Sequence[str] | None = None,
    reference: bool = False,
) -> int:
    """Write u at times and at the points of a file or of a grid, and with `reference` the errors.

    **Raises:** `InputError` for a folder, times, points or a file name that cannot be used.
    """
    path = _check_path(out, grid is not None)
    with saved_run(folder) as (_, solution):
        ts = np.asarray(solution.ts if times is None else _check_times(times, solution))
        names, oracle = solution.problem.domain.axis_names, _reference(solution, reference)
        option = "--grid" if points is None else "--points"
        try:
            if points is not None:
                where = read_points(Path(points), names)
                _write_csv(path, solution, ts, where, oracle)
            elif path.suffix == ".csv":
                where = _grid_points(solution, ts[:1], read_grid(grid or (), names))
                _write_csv(path, solution, ts, where, oracle)
            else:
                _write_netcdf(path, solution, ts, read_grid(grid or (), names), oracle)
        except InputError as error:  # points outside of the domain, too many of them
            message = str(error)
            raise InputError(
                message if f"`{option}`" in message else f"`{option}`: {message}"
            ) from error
    print(f"values: {path}")
    return 0


def _write_csv(
    path: Path,
    solution: Solution,
    ts: np.ndarray,
    points: np.ndarray,
    reference: Reference | None,
) -> None:
    """Write a line for each time and point."""
    problem = solution.problem
    components = problem.component_names
    header = ["t", *problem.domain.axis_names, *components]
    if reference is not None:
        header += [f"{name}_{kind}" for kind in KINDS for name in components]
    blocks = []
    for t in ts:
        columns = [np.full((len(points), 1), t), points, np.asarray(solution(t, points), float)]
        if reference is not None:
            columns += _with_errors(columns[-1], np.asarray(reference(float(t), points), float))
        blocks.append(np.concatenate(columns, axis=1))

    def write(draft: Path) -> None:
        with draft.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(itertools.chain.from_iterable(block.tolist() for block in blocks))

    write_whole(path, write)


def _write_netcdf(
    path: Path,
    solution: Solution,
    ts: np.ndarray,
    axes: Mapping[str, Any],
    reference: Reference | None,
) -> None:
    """Write the dataset of `Solution.to_netcdf`, with variables of the reference and the error."""
    if reference is None:
        solution.to_netcdf(path, ts, **axes)
        return
    data = solution.to_xarray(ts, **axes)
    names = solution.problem.component_names
    values = np.stack([data[name].values for name in names], axis=-1)
    mesh = np.meshgrid(*(data[name] for name in solution.problem.domain.axis_names), indexing="ij")
    points = np.stack([x.ravel() for x in mesh], axis=1)
    inside = _inside(solution, points)
    exact = np.full((len(ts), *values.shape[1:]), np.nan)
    for row, t in zip(exact, ts, strict=True):
        row.reshape(len(points), -1)[inside] = reference(float(t), points[inside])
    dimensions, more = data[names[0]].dims, _with_errors(values, exact)
    more = {
        f"{name}_{kind}": (dimensions, array[..., k])
        for kind, array in zip(KINDS, more, strict=True)
        for k, name in enumerate(names)
    }

    def write(draft: Path) -> None:
        solution.to_netcdf(draft, ts, **axes)
        data.drop_vars(names).assign(more).to_netcdf(draft, mode="a", engine="h5netcdf")

    write_whole(path, write)


def _with_errors(values: np.ndarray, exact: np.ndarray) -> list[np.ndarray]:
    """The arrays of KINDS."""
    return [exact, values - exact]


def _grid_points(solution: Solution, ts: np.ndarray, axes: Mapping[str, Any]) -> np.ndarray:
    """The points of a grid that lie in the domain, shape (n, d), the last coordinate fastest."""
    coordinates, _ = solution.on_grid(ts, **axes)
    names = solution.problem.domain.axis_names
    mesh = np.meshgrid(*(coordinates[name] for name in names), indexing="ij")
    points = np.stack([x.ravel() for x in mesh], axis=1)
    return points[_inside(solution, points)]


def _inside(solution: Solution, points: np.ndarray) -> np.ndarray:
    """Which points lie in the domain, which may be a part of its bounding box."""
    domain = solution.problem.domain
    if domain.fraction == 1:
        return np.full(len(points), True)
    return np.asarray(jax.vmap(domain.contains)(jnp.asarray(points)))


def _check_path(name: str, grid: bool) -> Path:
    suffix = Path(name).suffix
    if suffix not in (".csv", ".nc"):
        raise InputError(f"`--out` must name a file that ends in .csv or .nc, got {name!r}")
    if suffix == ".nc" and not grid:
        raise InputError("`--out`: a .nc file holds a `--grid`; for `--points` name a .csv file")
    if suffix == ".nc":  # before the solution is loaded
        for library in ("xarray", "h5netcdf"):
            optional(library, "data")
    return check_output("--out", name)


def _check_times(times: Sequence[float], solution: Solution) -> Sequence[float]:
    first, last = solution.interval
    for t in times:
        if not first <= t <= last:
            raise InputError(f"`--times`: {t} lies outside the solved interval, {first} to {last}")
    for before, after in itertools.pairwise(times):
        if not after > before:
            raise InputError(f"`--times` must increase, got {after} after {before}")
    return times


def _reference(solution: Solution, wanted: bool) -> Reference | None:
    """The oracle of the problem if it is wanted. **Raises:** `InputError` if there is none."""
    if not wanted:
        return None
    try:
        reference = solution.problem.reference(float(solution.ts[0]))
    except ValueError as error:
        raise InputError(f"`--reference`: {error}") from error
    if reference is None:
        raise InputError("`--reference`: no reference is known for this problem; leave it out")
    return reference
