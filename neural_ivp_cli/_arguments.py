"""The parser class, and the arguments that several commands have."""

import argparse
import importlib.metadata
import textwrap
from typing import Any, NoReturn

CONFIG = "a TOML file, the name of a packaged config (see `neural-ivp list`), or a Python script"


class UsageError(Exception):
    """A command line that cannot be parsed."""


class Parser(argparse.ArgumentParser):
    """Raises `UsageError` for an invalid command line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (`{self.prog} --help` says more)")


class Version(argparse.Action):
    """Prints the version that is installed, which is looked up only if it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *rest: Any) -> NoReturn:
        try:
            print(importlib.metadata.version("neural-ivp"))
        except importlib.metadata.PackageNotFoundError:  # used from its source folder
            from neural_ivp import __version__

            print(__version__)
        parser.exit()


def add_command(commands: Any, name: str, summary: str, *lines: str, text: str = "") -> Any:
    """A command whose help ends with examples."""
    sentence = f"{summary[0].upper()}{summary[1:]}."
    return commands.add_parser(
        name,
        help=summary,
        description=textwrap.fill(f"{sentence} {text}".strip(), 90),
        epilog=examples(*lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def examples(*lines: str) -> str:
    return "\n".join(["examples:", *(f"  {line}" for line in lines)])


def add_config(command: argparse.ArgumentParser) -> None:
    """Add the arguments of a command that reads a config."""
    completed_by(command.add_argument("config", metavar="CONFIG", help=CONFIG), "configs")
    command.add_argument(
        "--set",
        metavar="section.key=value",
        nargs="+",
        action="extend",
        default=[],
        help="change values of the config, e.g. method.velocity_solver.damping=1e-7",
    )
    command.add_argument("--seed", metavar="N", type=int, help="instead of the config's seed")
    add_quiet(command)


def add_quiet(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--quiet", action="store_true", help="no progress, only the outcome and warnings"
    )


def add_every(command: argparse.ArgumentParser, default: str) -> None:
    command.add_argument(
        "--checkpoint-every",
        metavar="N",
        type=int,
        help=f"attempted steps between two checkpoints, 0 for none; {default} if not given",
    )


def add_folder(command: argparse.ArgumentParser) -> None:
    completed_by(command.add_argument("folder", metavar="DIR", help="a run folder"), "folders")


def completed_by(action: argparse.Action, what: str) -> None:
    """Name the function of the script of `completion` that completes an argument."""
    function = f"_neural_ivp_{what}"
    setattr(action, "complete", {"bash": function, "zsh": function})  # noqa: B010 (for shtab)
