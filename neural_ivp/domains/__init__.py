"""L1. Regions of space: geometry only."""

from ._base import AbstractDomain as AbstractDomain
from ._box import Box as Box
from ._torus import Torus as Torus
