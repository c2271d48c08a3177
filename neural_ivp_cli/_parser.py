"""The commands and their arguments. This module imports nothing that takes time."""

import argparse
from typing import Any

from ._arguments import (
    Parser,
    Version,
    add_command,
    add_config,
    add_every,
    add_folder,
    add_quiet,
    completed_by,
    examples,
)

SCRIPT = (
    "A Python script, whose name ends in .py, is your own code and is executed: it defines "
    "`problem` and `ts`, and `network`, `method`, `rtol` and `seed` if the defaults do not fit. "
    "Nothing in a .toml or .nivp file is ever executed."
)
FOLDER_CODE = (
    "The script in the folder of a script's run is executed, since its functions are needed."
)


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command line; `command` of its result is the name of the command."""
    parser = Parser(
        prog="neural-ivp",
        description="Solve PDEs with a neural network as the state.",
        epilog=examples(
            "neural-ivp list",
            "neural-ivp run burgers_1d",
            "neural-ivp init burgers_1d --out mine.toml",
            "neural-ivp run mine.toml --set problem.viscosity=0.01",
            "neural-ivp COMMAND --help",
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_run(commands)
    _add_fit(commands)
    _add_evaluate(commands)
    _add_pictures(commands)
    _add_catalogue(commands)
    return parser


def _add_run(commands: Any) -> None:
    command = add_command(
        commands,
        "run",
        "solve the problem of a config or script",
        "neural-ivp run burgers_1d",
        "neural-ivp run mine.toml --out runs/a --seed 1 --set network.width=40 time.end=2.0",
        "neural-ivp run my_equation.py",
        text=SCRIPT,
    )
    command.add_argument(
        "--out", metavar="DIR", help="the run folder; the next free runs/NAME if not given"
    )
    add_every(command, "20")
    add_config(command)
    command = add_command(
        commands,
        "resume",
        "go on with an interrupted run from its last checkpoint",
        "neural-ivp resume runs/burgers_1d",
        "neural-ivp resume runs/burgers_1d --checkpoint-every 5",
        text=FOLDER_CODE,
    )
    add_folder(command)
    add_every(command, "as before")
    add_quiet(command)


def _add_fit(commands: Any) -> None:
    command = add_command(
        commands,
        "fit",
        "only fit the initial value of a config or script",
        "neural-ivp fit burgers_1d --figure fit.png",
        "neural-ivp fit mine.toml --set network.width=40",
        text=SCRIPT,
    )
    command.add_argument("--figure", metavar="FILE.png", help="also draw the fit into this file")
    add_config(command)


def _add_evaluate(commands: Any) -> None:
    command = add_command(
        commands,
        "evaluate",
        "values of a solution at times and points, as CSV or NetCDF",
        "neural-ivp evaluate runs/burgers_1d --grid x0=101 --out u.csv",
        "neural-ivp evaluate runs/heat_2d --times 0.5 --points probes.csv --reference --out u.csv",
        "neural-ivp evaluate runs/heat_2d --grid x0=101 x1=0:0.5:33 --out u.nc",
        text="A file of points has a column for each axis x0, x1, ..., by their names in its first "
        f"line or, without it, in that order. {FOLDER_CODE}",
    )
    add_folder(command)
    command.add_argument(
        "--times", metavar="T", type=float, nargs="+", help="the saved times if not given"
    )
    where = command.add_mutually_exclusive_group(required=True)
    where.add_argument("--points", metavar="FILE.csv", help="points, one a line")
    where.add_argument(
        "--grid",
        metavar="AXIS=N",
        nargs="*",
        help="a grid of N points along each axis, x0=101 x1=65, or from one coordinate to another, "
        "x0=-1:1:101; an axis that is not named gets a number of its own",
    )
    command.add_argument(
        "--reference", action="store_true", help="also the reference and the error against it"
    )
    command.add_argument(
        "--out", metavar="FILE", required=True, help="ends in .csv, or of a grid in .nc (NetCDF)"
    )


def _add_pictures(commands: Any) -> None:
    command = add_command(
        commands,
        "plot",
        "redraw the picture of a run",
        "neural-ivp plot runs/burgers_1d",
        text=FOLDER_CODE,
    )
    add_folder(command)
    command = add_command(
        commands,
        "animate",
        "an animation of a run",
        "neural-ivp animate runs/burgers_1d",
        "neural-ivp animate runs/burgers_1d --out burgers.mp4 --frames 120",
        text=FOLDER_CODE,
    )
    add_folder(command)
    command.add_argument(
        "--out",
        metavar="FILE",
        help="ends in .gif, or .mp4 where ffmpeg is installed; DIR/animation.gif if not given",
    )
    command.add_argument("--frames", metavar="N", type=int, default=60, help="60 if not given")


def _add_catalogue(commands: Any) -> None:
    add_command(
        commands,
        "list",
        "list the packaged configs, and the classes that a config can name",
        "neural-ivp list",
        "neural-ivp list | grep heat",
    )
    command = add_command(
        commands,
        "describe",
        "what a class or a config is: equation, arguments, an example",
        "neural-ivp describe Burgers",
        "neural-ivp describe LandmarkSubspace",
        "neural-ivp describe burgers_1d",
    )
    name = command.add_argument(
        "name", metavar="NAME", help="of a class, of a packaged config, or of a TOML file"
    )
    completed_by(name, "names")
    command = add_command(
        commands,
        "init",
        "write a commented config to edit",
        "neural-ivp init burgers_1d",
        "neural-ivp init Heat --out mine.toml",
    )
    name = command.add_argument("name", metavar="NAME", help="of a problem or a packaged config")
    completed_by(name, "inits")
    command.add_argument("--out", metavar="FILE.toml", help="NAME.toml if not given")
    command = add_command(
        commands,
        "completion",
        "print a script that completes commands, options and names in a shell",
        "neural-ivp completion bash > ~/.local/share/bash-completion/completions/neural-ivp",
        "neural-ivp completion zsh > ~/.zfunc/_neural-ivp",
    )
    command.add_argument("shell", choices=("bash", "zsh"))
