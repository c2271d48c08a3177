"""The solution in a run folder, for the commands that use it."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from ..catalogue import describe
from ..config import dtype_of, read_table
from ..errors import InputError
from ..networks import AbstractNetwork
from ..solution import Solution, load
from ._environment import precision
from ._folder import CHECKPOINT, CONFIG, SCRIPT
from ._script import execute


def source_of(folder: Path) -> Path:
    """The config or script of a run folder. **Raises:** `InputError` if it has neither."""
    if not folder.is_dir():
        raise InputError(f"{str(folder)!r} is not a run folder: there is no such folder")
    for name in (CONFIG, SCRIPT):
        if (folder / name).is_file():
            return folder / name
    raise InputError(f"{str(folder)!r} is not a run folder: it has no {CONFIG} and no {SCRIPT}")


@contextlib.contextmanager
def saved_run(name: str) -> Iterator[tuple[Path, Solution]]:
    """The folder of a run and its solution; inside the block JAX has its precision.

    The copy of a script is executed: the solution needs its functions.

    **Raises:** `InputError` for a folder that is not a run folder, or a file that cannot be read.
    """
    folder = Path(name)
    source, file = source_of(folder), folder / "solution.nivp"
    if not file.is_file() and (folder / CHECKPOINT).is_file():
        raise InputError(
            f"the run in {name!r} has not ended: go on with it by `neural-ivp resume {name}`"
        )
    if source.name == SCRIPT:
        with precision("float64"):
            script = execute(source)
            network = script.network if _is_own(script.network) else None
            yield folder, load(file, problem=script.problem, network=network)
        return
    with precision(dtype_of(read_table(source))):
        yield folder, load(file)


def _is_own(network: AbstractNetwork | None) -> bool:
    """Whether a file cannot describe a network, so that `load` needs the network itself."""
    return network is not None and "opaque" in json.dumps(describe(network))
