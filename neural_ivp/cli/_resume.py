"""`neural-ivp resume DIR`: finish a run whose process ended early."""

import functools
import json
from pathlib import Path

import jax
import numpy as np

from ..config import RunConfig
from ..defaults import solve_keys
from ..errors import InputError
from ..solve import Checkpoint, LoadedCheckpoint, continue_solve, read_checkpoint
from ._carry_out import carry_out, run_log
from ._folder import CHECKPOINT
from ._saved_run import source_of
from ._source import read_source


def resume(name: str, *, every: int | None = None, quiet: bool = False) -> int:
    """Finish the run of a folder from its last checkpoint; the exit code, as of `run`.

    Checkpoints are written every `every` attempted steps, none for 0; as before if not given.

    **Raises:** `InputError` for a folder without a checkpoint, or with the config or script of
    another run.
    """
    folder = Path(name)
    file = source_of(folder)
    _check_folder(folder, file)
    with read_source(file) as source:
        config = source.config
        saved = read_checkpoint(
            folder / CHECKPOINT,
            problem=config.problem,
            network=config.network,
            method=config.method,
        )
        _check_same(config, saved, file)
        every = saved.every if every is None else every
        checkpoint = Checkpoint(folder / CHECKPOINT, every) if every else None
        work = functools.partial(continue_solve, saved, checkpoint, throw=False)
        attempts = len(saved.march.records)
        note = f", resumed at t = {saved.march.t:.6g} after {attempts} attempted steps"
        with run_log(folder / "run.log", "a") as log:
            return carry_out(work, config, folder, log, quiet, note, list(saved.march.records))


def _check_folder(folder: Path, file: Path) -> None:
    """**Raises:** `InputError` for a folder without a checkpoint."""
    shown = repr(str(folder))
    if (folder / CHECKPOINT).is_file():
        return
    result = _result(folder)
    if result not in (None, "interrupted"):
        raise InputError(f"the run in {shown} has ended ({result}): there is nothing to continue")
    raise InputError(
        f"{shown} has no {CHECKPOINT}: the run ended during its initial fit, or wrote none; run it "
        f"anew, `neural-ivp run {file}`"
    )


def _result(folder: Path) -> str | None:
    try:
        return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["result"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _check_same(config: RunConfig, saved: LoadedCheckpoint, file: Path) -> None:
    """Compare times and seed; the rest was compared when the checkpoint was read."""
    keys = [jax.random.key_data(key) for key in (solve_keys(config.key)[2], saved.march.key)]
    same = {
        "time": np.array_equal(config.ts, saved.march.times),
        "seed": np.array_equal(keys[0], keys[1]),
    }
    for name, agrees in same.items():
        if not agrees:
            raise InputError(
                f"`{name}` in {str(file)!r} is not that of the {CHECKPOINT} beside it: put it "
                "back, or run it anew"
            )
