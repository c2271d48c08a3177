"""Regions of space: geometry only."""

from ._axes import Interval, Periodic
from ._domain import SLACK, AbstractDomain, low_discrepancy_unit_points
from ._euclidean import Euclidean
from ._level_set import LevelSet
from ._product import Box, ProductDomain, Torus
from ._shapes import Annulus, Ball
