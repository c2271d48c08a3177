"""Fields given as numbers: values on a grid, or samples at points."""

from ._gridded import GriddedData
from ._scattered import ScatteredData
