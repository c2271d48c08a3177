"""Arrays of a solution as xarray datasets."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..extras import optional

if TYPE_CHECKING:
    import xarray

# The second dimension of what the record has per attempted step.
_SECOND = {"residual_peak": "axis", "invariants": "invariant"}


def field_dataset(
    names: Sequence[str],
    dimensions: Sequence[str],
    coordinates: Mapping[str, Any],
    values: np.ndarray,
    attributes: Mapping[str, Any],
) -> "xarray.Dataset":
    """A variable for each component, the last axis of `values`.

    **Raises:** `InputError` for a component with the name of a coordinate.
    """
    if clash := sorted({*coordinates, *dimensions} & set(names)):
        raise InputError(
            f"`component_names` has {clash[0]!r}, which is the name of a coordinate: give the "
            "component of the problem another name"
        )
    variables = {name: (tuple(dimensions), values[..., k]) for k, name in enumerate(names)}
    return optional("xarray", "data").Dataset(variables, coordinates, attributes)


def record_dataset(
    record: Mapping[str, np.ndarray],
    words: Mapping[str, Sequence[str]],
    attributes: Mapping[str, Any],
) -> "xarray.Dataset":
    """The record of the attempted steps; `words` has the coordinates of its second dimensions."""
    variables = {
        name: (("step", _SECOND.get(name, ""))[: values.ndim], values)
        for name, values in record.items()
        if values.shape[1:] != (0,)  # a problem without invariants
    }
    used = {name for dimensions, _ in variables.values() for name in dimensions}
    coordinates = {name: list(own) for name, own in words.items() if name in used}
    return optional("xarray", "data").Dataset(variables, coordinates, attributes)
