"""`neural-ivp plot DIR`: redraw the picture of a run."""

from ._finish import draw
from ._saved_run import saved_run


def plot(folder: str) -> int:
    """Redraw `figure.png` of a run folder from its `solution.nivp`.

    **Raises:** `InputError` for a folder that is not a run folder, or a file that cannot be read.
    """
    with saved_run(folder) as (path, solution):
        draw(solution, path / "figure.png")
    print(f"picture: {path / 'figure.png'}")
    return 0
