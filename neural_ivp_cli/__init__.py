"""The front door of the command `neural-ivp`: its arguments, help, version and completion.

It stands beside `neural_ivp` since importing that one imports JAX, which takes seconds: `--help`
and a misspelt option need none of it. The commands themselves are in `neural_ivp.cli`.
"""

from ._main import main

__all__ = ["main"]
