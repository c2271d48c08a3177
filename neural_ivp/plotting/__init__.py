"""L7. Pictures of a solution, by matplotlib's objects: no pyplot, no display, no global state."""

from ._figure import figure as figure
