"""Checks of the plain functions and words of which a problem is made."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ..data import GriddedData
from ..domains import AbstractDomain
from ..errors import InputError


def num_components(name: str, initial: Any, domain: Any) -> int:
    """The number of components of the initial value `name`, a function of one point of a domain.

    **Raises:** `InputError` for something else, or a value of the wrong shape.
    """
    if not isinstance(domain, AbstractDomain):
        raise InputError(
            "`domain` must be a domain, such as nivp.Box((0.0,), (1.0,)) or nivp.Torus((1.0,)),"
            f" got {domain!r}"
        )
    if not callable(initial):
        raise InputError(
            f"`{name}` must be a function of one point, got {type(initial).__name__}: wrap an "
            "array in `GriddedData`, fit `ScatteredData` samples by `fit` and give its network"
        )
    if isinstance(initial, GriddedData) and initial.domain != domain:
        raise InputError(
            f"`{name}` has values on another domain ({initial.domain}) than `domain`, {domain}"
        )
    x = jax.ShapeDtypeStruct((domain.dimension,), jnp.result_type(float))
    value = jax.eval_shape(initial, x)
    if not hasattr(value, "shape"):
        raise InputError(
            f"the value of `{name}` is a {type(value).__name__}: return one array, e.g. "
            "jnp.stack([u, v])"
        )
    if jnp.ndim(value) != 1:
        raise InputError(
            f"the value of `{name}` has shape {jnp.shape(value)}, expected (components,): "
            "return an array of one dimension for one point, e.g. jnp.array([value])"
        )
    return value.shape[0]


def words(
    name: Any, given: Sequence[str] | None, default: tuple[str, ...], reference: Callable | None
) -> tuple[str, tuple[str, ...]]:
    """The name of a problem and those of its components, after checks of them and `reference`."""
    if reference is not None and not callable(reference):
        raise InputError(f"`reference` must be a function of (t, points), got {reference!r}")
    if not isinstance(name, str):
        raise InputError(f"`name` must be a word, got {name!r}")
    if given is None:
        return name, default
    names = (given,) if isinstance(given, str) else tuple(given)
    if len(names) != len(default) or not all(map(_is_word, names)):
        raise InputError(
            f"`component_names` must be {len(default)} word(s) of letters, digits and _, got "
            f"{given!r}"
        )
    return name, names


def _is_word(name: Any) -> bool:
    return isinstance(name, str) and name.isidentifier()
