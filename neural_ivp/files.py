"""The file format of this library: one JSON line, then raw arrays. Reading executes no code.

The line holds the format and its version, the writer's header (problem and network as tables, see
`catalogue`), name, type and shape of each array, and a checksum of the line and the arrays, by
which a truncated or altered file is recognised.
"""

import contextlib
import hashlib
import importlib.metadata
import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .errors import InputError

# Of lists and tables in one another: those of this library are nested a third as deep.
MOST_LEVELS = 30
_DTYPES = ("float32", "float64", "int32", "int64", "uint8", "uint32", "uint64", "bool")


def write_file(
    path: Path, kind: str, version: int, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> None:
    """Write a file atomically: `path` holds the old file or all of the new one.

    **Raises:** `OSError` if it cannot be written; `InputError` for an array of an unknown type.
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

    def write(draft: Path) -> None:
        with draft.open("wb") as file:
            file.write(json.dumps(header).encode() + b"\n")
            file.writelines(_raw(arrays))
            file.flush()
            # Otherwise a crash of the machine may leave an empty file under the new name.
            os.fsync(file.fileno())

    write_whole(path, write)


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file atomically: `write` gets the path of a draft, which then replaces `path`."""
    draft = temporary_path(path)
    try:
        write(draft)
        draft.replace(path)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def temporary_path(path: Path) -> Path:
    """The temporary file that replaces `path` once written; a killed process may leave it."""
    return path.with_name(path.name + ".part")


def check_path(name: str, path: Any) -> Path:
    """The argument `name` as a path.

    **Raises:** `InputError` for something that is not a path.
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"`{name}` must be the path of a file, got {path!r}")
    return Path(path)


def check_output(name: str, path: Any) -> Path:
    """The argument `name` as the path of a file to write.

    **Raises:** `InputError` for something that is not a path, a folder, or a file in a folder that
    does not exist.
    """
    file = check_path(name, path)
    if file.is_dir():
        raise InputError(f"`{name}`: {str(file)!r} is a folder; name a file in it")
    if not file.parent.is_dir():
        raise InputError(f"`{name}`: there is no folder {str(file.parent)!r}; make it first")
    return file


def package_version() -> str:
    """The version of this library."""
    try:
        return importlib.metadata.version("neural-ivp")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"  # used from its source folder


def read_file(path: Path, kind: str, version: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the header and the arrays by name.

    **Raises:** `InputError` for a missing, truncated, altered or foreign file, another version.
    """
    if not path.is_file():
        if path.is_dir():
            raise InputError(f"{str(path)!r} is a directory: name a {kind} file in it")
        raise InputError(f"there is no file {str(path)!r}")
    first, _, body = path.read_bytes().partition(b"\n")
    try:
        header = json.loads(first)
        file_format = header["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        header, file_format = {}, None
    check_nesting(repr(str(path)), header)
    if file_format != f"neural_ivp {kind}":
        known = isinstance(file_format, str) and file_format.startswith("neural_ivp ")
        hint = f": it is a {file_format} file" if known else ""
        raise InputError(f"{str(path)!r} is not a {kind} file of neural_ivp{hint}")
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
        stored = np.dtype(dtype).newbyteorder("<")
        values = np.frombuffer(body, stored, int(np.prod(shape)), offset)
        arrays[name], offset = values.astype(dtype).reshape(shape), offset + values.nbytes
    return header, arrays


def check_nesting(subject: str, data: Any) -> None:
    """Raise `InputError` for lists and tables in one another that would exhaust the stack."""
    inner = [data]
    for _ in range(MOST_LEVELS):
        inner = [entry for part in inner for entry in _entries(part)]
    if inner:
        raise InputError(f"{subject} is nested too deeply: at most {MOST_LEVELS} levels are read")


def _entries(data: Any) -> Iterable[Any]:
    if isinstance(data, dict):
        return data.values()
    return data if isinstance(data, list) else ()


def _raw(arrays: Mapping[str, np.ndarray]) -> Iterable[bytes]:
    """The little-endian bytes of each array, one at a time to limit memory."""
    for array in arrays.values():
        yield array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def _checksum(header: dict[str, Any], body: Iterable[bytes]) -> str:
    """SHA-256 of the body and of the header without its checksum."""
    header = {name: value for name, value in header.items() if name != "sha256"}
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for part in body:
        digest.update(part)
    return digest.hexdigest()
