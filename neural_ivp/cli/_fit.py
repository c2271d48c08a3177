"""`neural-ivp fit CONFIG`: fit the initial value of a config or script only."""

import math
import sys
from pathlib import Path

from ..config import config_path
from ..defaults import solve_keys
from ..errors import InputError
from ..files import check_output, write_whole
from ..fitting import fit_errors
from ..progress import COMPILING, Lines, Progress
from ..solution import plot_fit
from ..solve import fit_initial, warn_of_fit
from ._source import read_source
from ._warnings import plain_warnings


def fit(
    path: str,
    *,
    overrides: list[str],
    seed: int | None = None,
    quiet: bool = False,
    figure: str | None = None,
) -> int:
    """Fit as `run` does and print the errors; 1 if they are not finite, else 0.

    A `figure` names a PNG file for the figure of the fit.

    **Raises:** `InputError` for a config or a file name that cannot be used.
    """
    picture = None if figure is None else _check_picture(figure)

    def write(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    progress = Lines((lambda line: None) if quiet else write)
    source = read_source(config_path(path), overrides, seed)
    with source as read, plain_warnings(write):
        config = read.config
        problem, (_, key, _) = config.problem, solve_keys(config.key)
        progress(Progress("fit", 0.0, float(config.ts[0]), stage=COMPILING))
        fitted = fit_initial(
            problem, config.network, config.method, key, float(config.ts[0]), progress
        )
        errors = fit_errors(
            fitted.network,
            problem.initial,
            problem.domain,
            norm=problem.norm,
            trial=fitted.trial,
            t=fitted.t,
        )
        print(f"{fitted.report()}\non evenly spread points:\n{errors}", flush=True)
        tolerance = config.method.integrator.rtol
        warn_of_fit({"relative_l2_error": fitted.relative_l2_error, "tolerance": tolerance})
        if picture is not None:
            plot = plot_fit(fitted, problem.initial, problem.domain)
            try:
                write_whole(picture, lambda draft: plot.savefig(draft, format="png"))
            except OSError as error:
                raise InputError(f"`--figure`: the picture cannot be written: {error}") from error
            print(f"picture: {picture}")
    return 0 if math.isfinite(errors.maximum) else 1


def _check_picture(name: str) -> Path:
    """The path of a figure, checked before the work starts."""
    if Path(name).suffix.lower() != ".png":
        raise InputError(f"`--figure` must name a file that ends in .png, got {name!r}")
    return check_output("--figure", name)
