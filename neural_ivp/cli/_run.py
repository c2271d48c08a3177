"""`neural-ivp run CONFIG`: solve, and write a run folder."""

import functools
from pathlib import Path

from ..config import dtype_of, make_config, read_table
from ..solve import Checkpoint, solve
from ._carry_out import carry_out, run_log
from ._environment import environment, precision
from ._folder import CHECKPOINT, make_folder, write_json, write_text


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
    """Run a config; 0 if the solve was successful, 130 if it was interrupted and 1 otherwise.

    Checkpoints are written every `every` attempted steps, none for 0.

    **Raises:** `InputError` for a config, a folder or a problem that cannot be used.
    """
    changes = overrides if seed is None else [*overrides, f"seed={seed}"]
    table = read_table(path, changes)
    with precision(dtype_of(table)):
        config = make_config(table)
        folder = make_folder(out, Path(path).stem)
        write_text(folder / "config.toml", config.toml())
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
