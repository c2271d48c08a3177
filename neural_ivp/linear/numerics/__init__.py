"""Dense and iterative linear algebra on arrays and operators, without networks."""

from ._damping import Damping, DampingLike, check_damping, damping_value
from ._direct import Spectrum, estimated_spectrum, factor_damped
from ._pcg import PCG
from ._pivoted_cholesky import pivoted_cholesky
from ._power_iteration import power_iteration, random_signs, safe_ratio
from ._results import RESULTS, is_failure, to_result
from ._row_blocks import Rows, map_row_blocks, multiply_rows
from ._symmetric import BLOCK, Symmetric
