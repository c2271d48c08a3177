"""Conditions at the boundary of a domain."""

from ._conditions import (
    Absorbing,
    AbstractCondition,
    Dirichlet,
    Free,
    Neumann,
    Robin,
    constant_value,
    evaluated,
)
from ._rates import with_rates
from ._resolved import (
    SECOND_ORDER_CHOICES,
    BoundaryConditions,
    BoundarySpec,
    resolve_boundary,
)
