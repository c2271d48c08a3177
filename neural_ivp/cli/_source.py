"""What `run` and `fit` get: a config or a script, as a run."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config import RunConfig, dtype_of, make_config, read_table
from ..errors import InputError
from ._environment import precision
from ._folder import CONFIG, SCRIPT
from ._script import execute


@dataclass(frozen=True)
class Source:
    """A run, and the file of its folder that describes it: its name and its text."""

    config: RunConfig
    file: str
    text: str


@contextlib.contextmanager
def read_source(
    path: Path, overrides: Sequence[str] = (), seed: int | None = None
) -> Iterator[Source]:
    """The run of a config or of a script; inside the block JAX has its precision.

    **Raises:** `InputError` for a file that cannot be used, or changes of a script.
    """
    if path.suffix == ".py":
        if overrides or seed is not None:
            option = "`--set`" if overrides else "`--seed`"
            raise InputError(f"{option} changes configs: write the value into {str(path)!r}")
        with precision("float64"):
            script = execute(path)
            yield Source(script.config(), SCRIPT, script.text)
        return
    changes = overrides if seed is None else [*overrides, f"seed={seed}"]
    table = read_table(path, changes)
    with precision(dtype_of(table)):
        config = make_config(table)
        yield Source(config, CONFIG, config.toml())
