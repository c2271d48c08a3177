"""A series of VTK files, which ParaView, VisIt and pyvista read."""

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..extras import optional
from ..files import check_output, write_whole
from ._grid import Grid

# Corners of a cell in the order of VTK, and the names of its types, by the number of axes.
_SQUARE = ((0, 0), (1, 0), (1, 1), (0, 1))
_CORNERS = (((),), ((0,), (1,)), _SQUARE, tuple((*c, k) for k in (0, 1) for c in _SQUARE))
_TYPES = "VtkVertex", "VtkLine", "VtkQuad", "VtkHexahedron"


def check_series(path: Any, dimension: int) -> Path:
    """**Raises:** `InputError` for a path or a dimension of which no series can be written."""
    file = check_output("path", path)
    if file.suffix != ".pvd":
        raise InputError(f"`path` must end in .pvd, got {str(file)!r}")
    if dimension > 3:
        raise InputError(
            f"VTK has at most three dimensions, and the domain {dimension}: use `to_xarray` with "
            "coordinates of a slice"
        )
    return file


def write_series(
    file: Path, grid: Grid, known: np.ndarray, values: np.ndarray, names: tuple[str, ...]
) -> None:
    """Write a file for each time, and then the .pvd file that names them.

    The grids are unstructured ones (.vtu), as cells with a corner outside of the domain are left
    out. `known` says which points have values, shape (n,), and `values` has shape (T, n, c).
    """
    import xml.etree.ElementTree as ElementTree  # here, as few scripts write VTK

    evtk, vtk = optional("pyevtk.hl", "data"), optional("pyevtk.vtk", "data")
    cells = _cells(grid)
    cells = cells[np.all(known[cells], axis=1)]
    if not len(cells):
        raise InputError("no cell of the grid lies in the domain: give more points along the axes")
    number = np.cumsum(known, dtype=np.int32) - 1
    corners, size = number[cells].ravel(), cells.shape[1]
    kind = getattr(vtk, _TYPES[size.bit_length() - 1]).tid
    offsets = np.arange(size, len(corners) + 1, size, dtype=np.int32)
    kinds = np.full(len(cells), kind, np.uint8)
    points = np.zeros((3, int(known.sum())))
    points[: len(grid.axes)] = grid.points()[known].T
    folder = file.with_suffix("")
    try:
        folder.mkdir(exist_ok=True)
    except FileExistsError as error:
        raise InputError(
            f"`path`: the files of the times go into the folder {str(folder)!r}, and there is a "
            "file of that name: give another path"
        ) from error
    root = ElementTree.Element("VTKFile", type="Collection", version="0.1")
    collection = ElementTree.SubElement(root, "Collection")
    for k, t in enumerate(grid.ts):
        name = f"{k:0{len(str(len(grid.ts) - 1))}d}"
        own = {word: values[k, known, c].copy() for c, word in enumerate(names)}
        evtk.unstructuredGridToVTK(
            str(folder / name), *points, corners, offsets, kinds, pointData=own
        )
        entry = {"timestep": repr(float(t)), "part": "0", "file": f"{folder.name}/{name}.vtu"}
        ElementTree.SubElement(collection, "DataSet", entry)
    tree = ElementTree.ElementTree(root)
    write_whole(file, lambda draft: tree.write(draft, encoding="utf-8", xml_declaration=True))


def _cells(grid: Grid) -> np.ndarray:
    """Points of each cell, shape (m, 2^k), with the k axes that have more than one coordinate."""
    counts = [len(x) for x in grid.axes.values() if len(x) > 1]
    index = np.arange(int(np.prod(counts))).reshape(counts)
    parts = [
        index[tuple(slice(b, n - 1 + b) for b, n in zip(corner, counts, strict=True))].ravel()
        for corner in _CORNERS[len(counts)]
    ]
    return np.stack(parts, axis=1)
