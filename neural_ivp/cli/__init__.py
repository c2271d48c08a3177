"""The command `neural-ivp`: runs configs, lists the catalogue, redraws pictures."""

from ._main import main
