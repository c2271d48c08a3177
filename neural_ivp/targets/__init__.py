"""L1, above the domains. Fields given as numbers: values on a grid, or samples at points."""

from ._gridded import Gridded as Gridded
from ._scattered import Scattered as Scattered
