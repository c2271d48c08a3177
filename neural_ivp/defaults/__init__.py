"""The default network and method of a problem."""

from ._defaults import DEFAULT_RTOL, default_method, default_network, num_quantities, solve_keys
from ._stiff import differential_order
