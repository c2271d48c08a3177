"""`neural-ivp animate DIR`: an animation of a run."""

from pathlib import Path

from ..errors import InputError
from ._saved_run import saved_run


def animate(folder: str, *, out: str | None = None, frames: int) -> int:
    """Write a GIF or MP4 of a run folder, `animation.gif` in it if `out` is not given.

    **Raises:** `InputError` for a folder that is not a run folder, or a file that cannot be made.
    """
    with saved_run(folder) as (path, solution):
        file = path / "animation.gif" if out is None else Path(out)
        try:
            solution.animate(file, num_frames=frames)
        except InputError as error:
            message = str(error).replace("`path`", "`--out`").replace("`num_frames`", "`--frames`")
            raise InputError(message) from error
    print(f"animation: {file}")
    return 0
