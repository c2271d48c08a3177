"""What `solve` reports while it runs, and the displays of it. The clock is for display alone."""

from ._display import Bars, Lines, Notebook, displayed, is_terminal
from ._report import COMPILING, Progress, ProgressCallback, check_progress, no_progress
