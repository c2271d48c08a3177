"""Regions of space: geometry only."""

from ._domain import SLACK, AbstractDomain, Box, Torus, low_discrepancy_unit_points
