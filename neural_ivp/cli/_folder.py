"""The run folder, and its files, which are written atomically."""

import itertools
import json
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import temporary_path, write_whole

CHECKPOINT = "checkpoint.nivp"
CONFIG, SCRIPT = "config.toml", "script.py"  # a folder has one of them
_SIGNS = (CONFIG, SCRIPT, "metrics.json")


def make_folder(out: str | None, name: str) -> Path:
    """The folder `out`, or the first new one of runs/name, runs/name-2, ...

    **Raises:** `InputError` if `out` holds a run already, or cannot be made.
    """
    try:
        if out is None:
            return _next_free(Path("runs"), name)
        folder = Path(out)
        if any((folder / sign).exists() for sign in _SIGNS):
            raise InputError(f"`--out`: {out!r} already holds a run; name another folder")
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    except OSError as error:
        raise InputError(f"the run folder cannot be made: {error}") from error


def _next_free(parent: Path, name: str) -> Path:
    for count in itertools.count(1):
        folder = parent / (name if count == 1 else f"{name}-{count}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise AssertionError("itertools.count has no end")


def remove(path: Path) -> None:
    """Remove a file, and the draft that a killed process may have left."""
    for file in (path, temporary_path(path)):
        file.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    write_whole(path, lambda draft: draft.write_text(text, encoding="utf-8"))


def write_json(path: Path, table: dict[str, Any]) -> None:
    """Write a JSON file atomically; a NaN raises `ValueError`."""
    write_text(path, json.dumps(table, indent=2, allow_nan=False) + "\n")
