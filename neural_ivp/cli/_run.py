"""`neural-ivp run CONFIG`: solve the problem of a config or script, and write a run folder."""

import functools

from ..config import config_path
from ..solve import Checkpoint, solve
from ._carry_out import carry_out, run_log
from ._environment import environment
from ._folder import CHECKPOINT, make_folder, write_json, write_text
from ._source import read_source


def run(
    path: str,
    *,
    out: str | None = None,
    overrides: list[str],
    seed: int | None = None,
    quiet: bool = False,
    every: int = 20,
    argv: list[str],
) -> int:
    """Run a config or script; 0 if the solve was successful, 130 if interrupted and 1 otherwise.

    Checkpoints are written every `every` attempted steps, none for 0.

    **Raises:** `InputError` for a config, a folder or a problem that cannot be used.
    """
    file = config_path(path)
    with read_source(file, overrides, seed) as source:
        config, folder = source.config, make_folder(out, file.stem)
        write_text(folder / source.file, source.text)
        write_json(folder / "environment.json", environment(config.dtype, argv))
        work = functools.partial(
            solve,
            config.problem,
            config.network,
            config.method,
            ts=config.ts,
            key=config.key,
            throw=False,
            checkpoint=Checkpoint(folder / CHECKPOINT, every) if every else None,
        )
        with run_log(folder / "run.log") as log:
            return carry_out(work, config, folder, log, quiet)
