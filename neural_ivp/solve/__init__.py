"""`solve` and `resume`: the loop around the pure steps, with checkpoints, failures and clocks."""

from ._checkpoint import Checkpoint
from ._memory import step_memory
from ._resume import LoadedCheckpoint, continue_solve, read_checkpoint, resume
from ._solve import fit_initial, solve, warn_of_fit
