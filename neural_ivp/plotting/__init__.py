"""L7. Pictures of solutions and fits by matplotlib's objects: no pyplot, no global state."""

from ._figure import figure as figure
from ._fit import fit_figure as fit_figure
