"""Trial functions: what u is, given a network and the conditions at the boundary."""

from ._boundary_rows import BoundaryRows, draw_boundary_rows, face_residual
from ._lifted import Lifted, hard_neumann_faces, trial_for
from ._state import check_state
from ._trial import AbstractTrial, Direct, LogDensity, UnknownNorm
