"""L2. What a network is fitted to, given as numbers: values on a grid, or samples at points."""

from ._gridded import Gridded as Gridded
from ._scattered import Scattered as Scattered
