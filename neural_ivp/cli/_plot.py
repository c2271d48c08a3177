"""`neural-ivp plot DIR`: redraw the figure of a run."""

from pathlib import Path

from ..config import dtype_of, read_table
from ..errors import InputError
from ..solution import load
from ._environment import precision
from ._finish import draw


def plot(folder: str) -> int:
    """Redraw `figure.png` of a run folder from its `solution.nivp`.

    **Raises:** `InputError` for a folder that is not a run folder, or a file that cannot be read.
    """
    path = Path(folder)
    if not (path / "config.toml").is_file():
        raise InputError(f"{folder!r} is not a run folder: it has no config.toml")
    with precision(dtype_of(read_table(path / "config.toml"))):
        draw(load(path / "solution.nivp"), path / "figure.png")
    print(f"picture: {path / 'figure.png'}")
    return 0
