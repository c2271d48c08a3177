"""Calls the function of a command, and turns what it raises into an exit code."""

import argparse
import sys
from collections.abc import Sequence

from ..errors import InputError, check_count
from ..extras import MissingExtraError
from ._environment import keep_compiled_functions


def dispatch(arguments: argparse.Namespace, argv: Sequence[str]) -> int:
    """Carry out a command; 0 for success, 2 for input that cannot be used, 1 for other failures.

    `arguments` are those of the parser in `neural_ivp_cli`, and `argv` the words they came from.
    """
    try:
        keep_compiled_functions()
        return _call(arguments, list(argv))
    except (InputError, MissingExtraError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"error: a file could not be read or written: {error}", file=sys.stderr)
        return 1


# The imports stand in the functions so that a command does not wait for the modules of the others.


def _solve(arguments: argparse.Namespace, argv: list[str]) -> int:
    """The commands that solve or fit."""
    every = getattr(arguments, "checkpoint_every", None)
    if every is not None:
        check_count("--checkpoint-every", every, minimum=0)
    match arguments.command:
        case "run":
            from ._run import run

            return run(
                arguments.config,
                out=arguments.out,
                overrides=arguments.set,
                seed=arguments.seed,
                quiet=arguments.quiet,
                every=20 if every is None else every,
                argv=argv,
            )
        case "resume":
            from ._resume import resume

            return resume(arguments.folder, every=every, quiet=arguments.quiet)
        case "fit":
            from ._fit import fit

            return fit(
                arguments.config,
                overrides=arguments.set,
                seed=arguments.seed,
                quiet=arguments.quiet,
                figure=arguments.figure,
            )
    raise AssertionError(f"the parser has a command {arguments.command!r} that is not carried out")


def _call(arguments: argparse.Namespace, argv: list[str]) -> int:
    match arguments.command:
        case "run" | "resume" | "fit":
            return _solve(arguments, argv)
        case "evaluate":
            from ._evaluate import evaluate

            return evaluate(
                arguments.folder,
                out=arguments.out,
                times=arguments.times,
                points=arguments.points,
                grid=arguments.grid,
                reference=arguments.reference,
            )
        case "animate":
            from ._animate import animate

            return animate(arguments.folder, out=arguments.out, frames=arguments.frames)
        case "plot":
            from ._plot import plot

            return plot(arguments.folder)
        case "describe":
            from ._describe import describe

            return describe(arguments.name)
        case "init":
            from ._init import init

            return init(arguments.name, out=arguments.out)
        case "list":
            from ._list import list_catalogue

            return list_catalogue()
    raise AssertionError(f"the parser has a command {arguments.command!r} that is not carried out")
