"""Arguments and exit codes.

0: success. 1: the solve failed (its solution so far is written), or a file could not be written.
2: invalid input, with one line on stderr. 130: interrupted (the solution so far is written).
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from ..config import dtype_of, read_table
from ..errors import InputError, check_count
from ..solution import load
from ._environment import keep_compiled_functions, precision, versions
from ._finish import draw
from ._fit import fit
from ._list import list_catalogue
from ._resume import resume
from ._run import run


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; `argv` without the program's name, by default of `sys.argv`."""
    argv = sys.argv[1:] if argv is None else list(argv)
    try:
        arguments = _parser().parse_args(argv)
        keep_compiled_functions()
        return _dispatch(arguments, argv)
    except BrokenPipeError:  # the reader has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: a file could not be read or written: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except SystemExit as stop:  # of argparse, for --help and --version
        return int(stop.code or 0)


def plot(folder: str) -> int:
    """Redraw `figure.png` of a run folder from its `solution.nivp`.

    **Raises:** `InputError` for a folder that is not a run folder, or a file that cannot be read.
    """
    path = Path(folder)
    if not (path / "config.toml").is_file():
        raise InputError(f"{folder!r} is not a run folder: it has no config.toml")
    with precision(dtype_of(read_table(path / "config.toml"))):
        draw(load(path / "solution.nivp"), path / "figure.png")
    print(f"picture: {path / 'figure.png'}")
    return 0


def _dispatch(arguments: argparse.Namespace, argv: list[str]) -> int:
    if arguments.command == "run":
        return _run(arguments, argv)
    if arguments.command == "fit":
        return fit(
            arguments.config,
            overrides=arguments.set,
            seed=arguments.seed,
            quiet=arguments.quiet,
            figure=arguments.figure,
        )
    return plot(arguments.folder) if arguments.command == "plot" else list_catalogue()


def _run(arguments: argparse.Namespace, argv: list[str]) -> int:
    every, folder = arguments.checkpoint_every, arguments.resume
    if every is not None:
        check_count("--checkpoint-every", every, minimum=0)
    if folder is None and arguments.config is None:
        raise InputError(
            "the following arguments are required: CONFIG, or --resume DIR (`neural-ivp run "
            "--help` says more)"
        )
    if folder is None:
        return run(
            arguments.config,
            out=arguments.out,
            overrides=arguments.set,
            seed=arguments.seed,
            quiet=arguments.quiet,
            every=20 if every is None else every,
            argv=argv,
        )
    typed = {"CONFIG": arguments.config, "`--out`": arguments.out, "`--seed`": arguments.seed}
    typed["`--set`"] = arguments.set or None
    for name, value in typed.items():
        if value is not None:
            raise InputError(
                f"{name} and `--resume` exclude one another: a run is resumed as it was begun, in "
                "its own folder; leave one of them out"
            )
    return resume(folder, every=every, quiet=arguments.quiet)


class _Parser(argparse.ArgumentParser):
    """Raises `InputError` for an invalid command line."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (`{self.prog} --help` says more)")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="neural-ivp", description="Solve PDEs with a neural network as state.")
    parser.add_argument("--version", action="version", version=versions()["neural_ivp"])
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = commands.add_parser("run", help="solve the problem of a config")
    command.add_argument(
        "--out", metavar="DIR", help="the run folder; the next free runs/NAME if not given"
    )
    command.add_argument(
        "--resume",
        metavar="DIR",
        help="instead of CONFIG: go on with the run of this folder from its last checkpoint",
    )
    command.add_argument(
        "--checkpoint-every",
        metavar="N",
        type=int,
        help="attempted steps between two checkpoints, 0 for none; 20 if not given",
    )
    _add_config(command, optional=True)
    command = commands.add_parser("fit", help="only fit the initial value of a config")
    command.add_argument("--figure", metavar="FILE.png", help="also draw the fit into this file")
    _add_config(command)
    commands.add_parser("list", help="list what a config can name, and the configs in ./configs")
    command = commands.add_parser("plot", help="redraw the picture of a run")
    command.add_argument("folder", metavar="DIR", help="a run folder")
    return parser


def _add_config(command: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Add the arguments of a command that reads a config."""
    count = "?" if optional else None
    command.add_argument("config", metavar="CONFIG", nargs=count, help="a TOML file")
    command.add_argument(
        "--set",
        metavar="section.key=value",
        nargs="+",
        action="extend",
        default=[],
        help="change values of the config, e.g. method.velocity_solver.damping=1e-7",
    )
    command.add_argument("--seed", metavar="N", type=int, help="instead of the config's seed")
    command.add_argument(
        "--quiet", action="store_true", help="no progress, only the outcome and warnings"
    )
