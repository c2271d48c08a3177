"""Networks and methods chosen for a problem: what measured best."""

from ._defaults import default_method, default_network, num_quantities, solve_keys
