"""The command `neural-ivp`: run configs, list the catalogue, redraw figures."""

from ._main import main
