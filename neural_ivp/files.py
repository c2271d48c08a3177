"""The files of this library: one JSON line, then raw arrays. Nothing in one is ever executed.

Line 1 holds the format and its version, what the writer says (problem and network as tables, see
`catalogue`), where each array lies, and a checksum of all that and of the arrays, so a truncated
or altered file is refused.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .errors import InputError

_DTYPES = ("float32", "float64", "int32", "int64", "uint8", "uint32", "uint64", "bool")


def write_file(
    path: Path, kind: str, version: int, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> None:
    """Write atomically: a file of that name is either the old one or the whole new one.

    **Raises:** `OSError` if it cannot be written; `InputError` for an array of another type than
    the format knows.
    """
    for name, array in arrays.items():
        if array.dtype.name not in _DTYPES:
            raise InputError(f"a {kind} file cannot hold {name!r}, of the type {array.dtype}")
    header = {
        "format": f"neural_ivp {kind}",
        "version": version,
        **header,
        "arrays": [[name, a.dtype.name, list(a.shape)] for name, a in arrays.items()],
    }
    header["sha256"] = _checksum(header, _raw(arrays))
    draft = draft_of(path)
    try:
        with draft.open("wb") as file:
            file.write(json.dumps(header).encode() + b"\n")
            file.writelines(_raw(arrays))
            file.flush()
            # Without this a crash of the machine may leave the new name on an empty file.
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def draft_of(path: Path) -> Path:
    """Where a file is written before it takes its place; a killed process may leave it behind."""
    return path.with_name(path.name + ".part")


def read_file(path: Path, kind: str, version: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The first line and the arrays.

    **Raises:** `InputError` for a missing, truncated, altered or foreign file, or one of another
    version.
    """
    if not path.is_file():
        raise InputError(f"there is no file {str(path)!r}")
    first, _, body = path.read_bytes().partition(b"\n")
    try:
        header = json.loads(first)
        found = header["format"]
    except (ValueError, KeyError, TypeError):
        found = None
    if found != f"neural_ivp {kind}":
        known = isinstance(found, str) and found.startswith("neural_ivp ")
        kind_found = f": it is a {found} file" if known else ""
        raise InputError(f"{str(path)!r} is not a {kind} file of neural_ivp{kind_found}")
    if header.get("version") != version:
        raise InputError(
            f"{str(path)!r} has format version {header.get('version')}, this library reads "
            f"{version}: solve again, or read it with the version of the library that wrote it "
            "(CHANGELOG.md has the names that changed)"
        )
    if _checksum(header, [body]) != header.get("sha256"):
        raise InputError(f"{str(path)!r} is truncated or altered: its checksum does not match")
    arrays, offset = {}, 0
    for name, dtype, shape in header["arrays"]:
        if dtype not in _DTYPES:
            raise InputError(f"{str(path)!r} holds an array of type {dtype!r}")
        count = int(np.prod(shape))
        little = np.dtype(dtype).newbyteorder("<")
        values = np.frombuffer(body, little, count, offset).astype(dtype).reshape(shape)
        arrays[name], offset = values, offset + count * little.itemsize
    return header, arrays


def _raw(arrays: Mapping[str, np.ndarray]) -> Iterable[bytes]:
    """The bytes of one array at a time: all of them together may be large."""
    for array in arrays.values():
        yield array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def _checksum(header: dict[str, Any], body: Iterable[bytes]) -> str:
    """Of the body and of all that the header says but this."""
    header = {name: value for name, value in header.items() if name != "sha256"}
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for part in body:
        digest.update(part)
    return digest.hexdigest()
