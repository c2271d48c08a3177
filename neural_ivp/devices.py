"""Points of the least squares over several devices."""

from typing import TypeVar

import jax
from jax.sharding import PartitionSpec

AXIS = "points"
Tree = TypeVar("Tree")


def over_devices(arrays: Tree) -> Tree:
    """Arrays whose first axis counts points, split over the devices of the mesh in context.

    The mesh is that of `jax.set_mesh`, with an axis "points"; without one nothing changes. The
    compiler splits what follows from the arrays: rows of J, and sums over points as reductions.
    """
    if AXIS not in jax.sharding.get_abstract_mesh().axis_names:
        return arrays
    return jax.lax.with_sharding_constraint(arrays, PartitionSpec(AXIS))
