"""From the arguments to the exit code.

0: success. 1: the solve failed (its solution so far is written), or a file could not be written.
2: invalid input, with one line on stderr. 130: interrupted (the solution so far is written).
"""

import os
import sys
from collections.abc import Sequence

from ._arguments import UsageError
from ._parser import make_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; `argv` without the program's name, by default of `sys.argv`."""
    argv = sys.argv[1:] if argv is None else list(argv)
    try:
        arguments = make_parser().parse_args(argv)
        if arguments.command == "completion":
            from ._completion import completion

            print(completion(arguments.shell))
            return 0
        from neural_ivp.cli import dispatch  # here, since it imports JAX

        return dispatch(arguments, argv)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except SystemExit as stop:  # of argparse, for --help and --version
        return int(stop.code or 0)
