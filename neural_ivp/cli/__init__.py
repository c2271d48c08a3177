"""The commands of `neural-ivp`, whose arguments are those of `neural_ivp_cli`."""

from ._dispatch import dispatch
from ._places import names
