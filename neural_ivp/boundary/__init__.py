"""Conditions at the boundary of a domain."""

from ._conditions import (
    AbstractCondition,
    Dirichlet,
    Free,
    Neumann,
    Robin,
    constant_value,
    evaluated,
)
from ._resolved import BoundaryConditions, BoundarySpec, resolve_boundary
