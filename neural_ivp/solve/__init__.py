"""The shell around the pure steps: choose, check, run; checkpoints, failures, clocks."""

from ._checkpoint import Checkpoint
from ._resume import LoadedCheckpoint, go_on, read_checkpoint, resume
from ._solve import fit_initial, solve, warn_of_fit
