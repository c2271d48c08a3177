"""L6. The shell around the pure steps: restarts, records, checkpoints, failures, clocks."""

from ._checkpoint import Checkpoint as Checkpoint
from ._checkpoint import CheckpointWarning as CheckpointWarning
from ._defaults import default_method as default_method
from ._defaults import default_network as default_network
from ._progress import Progress as Progress
from ._resume import resume as resume
from ._solve import fit_initial as fit_initial
from ._solve import solve as solve
from ._solve import solve_keys as solve_keys
