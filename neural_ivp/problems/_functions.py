"""Checks of the plain functions and words of which a problem is made."""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.core
import jax.numpy as jnp

from ..data import GriddedData
from ..domains import AbstractDomain
from ..errors import InputError, shown
from ..types import Point, Value
from ._base import Density, traced

# Points at which the size of an initial value is measured; the largest size that counts as one.
SIZE_POINTS, ORDINARY = 1_000, 10.0


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
    check_function(f"`{name}`", initial, "x")
    x = jax.ShapeDtypeStruct((domain.dimension,), jnp.result_type(float))
    value = traced(name, initial, x)
    if len(value.shape) != 1 or value.shape == (0,):
        raise InputError(
            f"the value of `{name}` has shape {value.shape}, expected (components,): "
            "return an array of one dimension for one point, e.g. jnp.array([value])"
        )
    return value.shape[0]


def check_function(subject: str, function: Any, arguments: str) -> None:
    """Raise `InputError` unless `function` can be called with the `arguments`, words in order."""
    if not callable(function):
        raise InputError(f"{subject} must be a function of ({arguments}), got {function!r}")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of some functions that are not written in Python
        return
    try:
        signature.bind(*arguments.split(", "))
    except TypeError as error:
        raise InputError(
            f"{subject} must be a function of ({arguments}), got one of "
            f"({', '.join(signature.parameters)}): write `lambda {arguments}: ...`"
        ) from error


def size_of(domain: AbstractDomain, *functions: Callable[[Point], Value]) -> float:
    """The largest absolute value of functions of one point, rounded to a power of ten; 1.0 unless
    it is above `ORDINARY`.

    Sizes below one are not estimated: points that miss a narrow bump would make it too small.
    """
    points = jnp.asarray(domain.low_discrepancy_points(SIZE_POINTS), float)
    values = [jnp.max(jnp.abs(jax.vmap(f)(points))) for f in functions]
    if any(isinstance(value, jax.core.Tracer) for value in values):
        return 1.0  # made inside of a transformation, where no size is known
    largest = max(map(float, values))
    return 10.0 ** round(math.log10(largest)) if ORDINARY < largest < math.inf else 1.0


def words(
    name: Any,
    given: Sequence[str] | None,
    default: tuple[str, ...],
    reference: Callable | None,
    num_unknowns: int | None = None,
) -> tuple[str, tuple[str, ...]]:
    """The name of a problem and those of its components, after checks of them and `reference`.

    Without a name it is that of the first `num_unknowns` components, of all if not given.
    """
    if reference is not None:
        check_function("`reference`", reference, "t, points")
    if name is not None and not (isinstance(name, str) and name.strip()):
        raise InputError(f"`name` must be a text that is not empty, got {name!r}")
    names = default if given is None else (given,) if isinstance(given, str) else tuple(given)
    if len(names) != len(default) or not all(map(_is_word, names)):
        raise InputError(
            f"`component_names` must be {len(default)} word(s) of letters, digits and _, got "
            f"{given!r}"
        )
    return _unknown(names[:num_unknowns]) if name is None else name, names


def _unknown(names: Sequence[str]) -> str:
    """u(t, x), or (u, v)(t, x)."""
    if len(names) == 1:
        return f"{names[0]}(t, x)"
    listed = names if len(names) <= 3 else (names[0], "...", names[-1])
    return f"({', '.join(listed)})(t, x)"


def densities(given: Mapping[str, Density] | None) -> dict[str, Density]:
    """The densities of a problem's invariants after checks, sorted as JAX sorts a dict that goes
    through a compiled function."""
    if given is not None and not isinstance(given, Mapping):
        raise InputError(
            f"`invariants` must be a dict of functions of (u, x) by name, got {shown(given)}: "
            'write {"mass": lambda u, x: u(x)[0]}'
        )
    for name, density in (given or {}).items():
        check_function(f"the density {name!r} of `invariants`", density, "u, x")
    return dict(sorted((given or {}).items()))


def _is_word(name: Any) -> bool:
    return isinstance(name, str) and name.isidentifier()
