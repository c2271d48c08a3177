"""Solutions on disk: one JSON line, then raw arrays. Nothing in a file is ever executed.

Line 1 holds the format, the tables of problem and network (see `_catalogue`), where each array
lies, and a checksum of all that and of the arrays, so a truncated or altered file is refused.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import numpy as np

from .._errors import InputError
from ..networks import AbstractNetwork, flatten
from ..problems import AbstractProblem
from ._catalogue import build, describe
from ._trajectory import Segment

if TYPE_CHECKING:
    from ._solution import Solution

FORMAT, VERSION = "neural_ivp solution", 1
_DTYPES = ("float32", "float64", "int32", "int64", "bool")


def save(solution: "Solution", path: str | os.PathLike) -> None:
    """Write atomically: a file of that name is either the old one or the whole new one."""
    arrays = {"ts": solution.ts}
    for k, segment in enumerate(solution.segments):
        for part in ("ts", "theta", "left", "right"):
            arrays[f"segment{k}.{part}"] = getattr(segment, part)
    arrays |= {f"record.{name}": values for name, values in solution.record.items()}
    blobs = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    body = b"".join(
        array.astype(array.dtype.newbyteorder("<")).tobytes() for array in blobs.values()
    )
    header = {
        "format": FORMAT,
        "version": VERSION,
        "problem": describe(solution.problem),
        "network": describe(solution.template),
        "segments": len(solution.segments),
        "result": solution.result,
        "message": solution.message,
        "fits": solution.fits,
        "seconds": solution.seconds,
        "arrays": [[name, a.dtype.name, list(a.shape)] for name, a in blobs.items()],
    }
    header["sha256"] = _checksum(header, body)
    path = Path(path)
    draft = path.with_name(path.name + ".part")
    draft.write_bytes(json.dumps(header).encode() + b"\n" + body)
    draft.replace(path)


def _checksum(header: dict[str, Any], body: bytes) -> str:
    """Of the body and of all that the header says but this."""
    said = {name: value for name, value in header.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode() + body).hexdigest()


def load(
    path: str | os.PathLike,
    *,
    problem: AbstractProblem | None = None,
    network: AbstractNetwork | None = None,
) -> "Solution":
    """Read what `Solution.save` wrote; it evaluates bit for bit as before.

    **Arguments:**

    - `path`: of the file.
    - `problem`, `network`: needed only if they were of classes outside this library (a
      `Problem` from plain functions, say): functions are not stored.

    **Raises:** `InputError` for a missing, truncated, altered or foreign file, or if a needed
    argument is missing or does not match.
    """
    from ._solution import Solution

    header, arrays = _read(Path(path))
    whole: AbstractProblem = _rebuild("problem", header["problem"], problem, AbstractProblem)
    template = _rebuild("network", header["network"], network, AbstractNetwork)
    segments = [
        Segment(*(arrays[f"segment{k}.{part}"] for part in ("ts", "theta", "left", "right")))
        for k in range(header["segments"])
    ]
    p = flatten(template)[0].size
    if segments[0].theta.shape[1] != p:
        raise InputError(
            f"`network` has {p} parameters, the file {segments[0].theta.shape[1]}: pass the "
            "network that was solved with"
        )
    return Solution(
        problem=whole,
        template=template,
        ts=arrays["ts"],
        segments=segments,
        record={k[7:]: v for k, v in arrays.items() if k.startswith("record.")},
        result=header["result"],
        message=header["message"],
        fits=header["fits"],
        seconds=header["seconds"],
    )


def _rebuild(kind: str, table: Any, given: Any, sort: type) -> Any:
    if given is not None:
        if not isinstance(given, sort):
            raise InputError(f"`{kind}` must be an {sort.__name__}, got {given!r}")
        if (got := json.loads(json.dumps(describe(given)))) != table:
            raise InputError(f"`{kind}` is {got}, but the file holds a solution of {table}")
        return given
    if "opaque" in json.dumps(table):
        raise InputError(
            f"the {kind} in this file is not of this library's catalogue ({table}): pass "
            f"`{kind}=` to `load`"
        )
    made = build(table, key=jax.random.key(0))
    # The values come from the file; those of the fresh network only gave the shape.
    zeros = jax.tree.map(lambda x: x * 0 if eqx.is_inexact_array(x) else x, made)
    return made if kind == "problem" else zeros


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    if not path.is_file():
        raise InputError(f"there is no file {str(path)!r}")
    first, _, body = path.read_bytes().partition(b"\n")
    try:
        header = json.loads(first)
        named = header["format"] == FORMAT
    except (ValueError, KeyError, TypeError):
        named = False
    if not named:
        raise InputError(f"{str(path)!r} is not a solution file of neural_ivp")
    if header.get("version") != VERSION:
        raise InputError(
            f"{str(path)!r} has format version {header.get('version')}, this library reads "
            f"{VERSION}"
        )
    if _checksum(header, body) != header.get("sha256"):
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
