"""`neural-ivp fit CONFIG`: the fit of the initial value alone."""

import math
import sys

from ..config import dtype_of, make_config, read_table
from ..fitting import fit_errors
from ..solve import fit_initial, solve_keys
from ._environment import precision
from ._progress import Lines


def fit(path: str, *, overrides: list[str], seed: int | None = None, quiet: bool = False) -> int:
    """Fit as `run` would, and print the errors; 1 if they are not finite, 0 otherwise.

    **Raises:** `InputError` for a config that cannot be used.
    """
    changes = overrides if seed is None else [*overrides, f"seed={seed}"]
    table = read_table(path, changes)

    def write(line: str) -> None:
        if not quiet:
            print(line, file=sys.stderr, flush=True)

    with precision(dtype_of(table)):
        config = make_config(table)
        problem, (_, key, _) = config.problem, solve_keys(config.key)
        fitted = fit_initial(
            problem, config.network, config.method, key, float(config.ts[0]), Lines(write)
        )
        errors = fit_errors(fitted.network, problem.initial, problem.domain)
    print(f"{errors}\noptimiser steps {fitted.steps}")
    return 0 if math.isfinite(errors.maximum) else 1
