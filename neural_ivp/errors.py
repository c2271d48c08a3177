"""The errors of the library and the checks that raise them.

Every message names the argument as the user typed it, what came, and the fix.
"""

import difflib
from collections.abc import Iterable
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np


class InputError(ValueError):
    """What the caller passed cannot be used; the message says what, why and the fix."""


class SolveError(RuntimeError):
    """A solve ended before the last time.

    `solution` holds everything computed until then (its last time is the last good state).
    """

    def __init__(self, message: str, solution: Any):
        super().__init__(message)
        self.solution = solution


class SolveInterrupted(KeyboardInterrupt):
    """A solve was interrupted (Ctrl-C) while it marched in time.

    `solution` holds everything computed until then, as that of a `SolveError` does. It is a
    `KeyboardInterrupt`, so that a loop over many solves ends with the one that is interrupted.
    """

    def __init__(self, message: str, solution: Any):
        super().__init__(message)
        self.solution = solution


class FitWarning(UserWarning):
    """A fit is worse than the tolerance of the steps, or may have missed its target."""


class CheckpointWarning(UserWarning):
    """A checkpoint could not be written; the march goes on."""


def concrete(name: str, value: Any) -> np.ndarray | None:
    """`value` as a numpy array, or None while it is traced (a gradient of a coefficient)."""
    if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(value)):
        return None
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f"`{name}` must be a number or numbers, got {value!r}") from error


def finite_array(name: str, value: Any) -> np.ndarray:
    """`value` as a float64 array of finite numbers."""
    if value is None:
        raise InputError(f"`{name}` must be an array of numbers, got None")
    if np.iscomplexobj(value):
        raise InputError(f"`{name}` is complex: give real and imaginary part as two components")
    if isinstance(value, np.ma.MaskedArray):  # numpy would take what lies under the mask
        value = np.ma.filled(value.astype(float), np.nan)
    array = concrete(name, value)
    if array is None:
        raise InputError(f"`{name}` is traced: build this outside of jit, vmap and grad")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        first = tuple(int(i) for i in bad[0])
        raise InputError(
            f"`{name}` has {len(bad)} entries that are not finite (or masked), the first at "
            f"index {first}, {array[first]}: leave them out or fill them in"
        )
    return array


def check_finite(name: str, value: Any) -> None:
    """Raise `InputError` unless `value` is one finite number."""
    array = concrete(name, value)
    if array is not None and not (array.ndim == 0 and np.isfinite(array)):
        raise InputError(f"`{name}` must be one finite number, got {value!r}")


def check_positive(name: str, value: Any, *, zero: bool = False) -> None:
    """Raise `InputError` unless every entry of `value` is finite and > 0 (>= 0 with `zero`)."""
    array = concrete(name, value)
    if array is None:
        return
    low = array >= 0 if zero else array > 0
    if not (np.all(np.isfinite(array)) and np.all(low)):
        sort = "non-negative" if zero else "positive"
        raise InputError(f"`{name}` must be finite and {sort}, got {value!r}")


def check_share(name: str, value: Any) -> None:
    """Raise `InputError` unless `value` is one number between 0 and 1, both excluded."""
    check_scalar(name, value)
    array = concrete(name, value)
    if array is not None and not array < 1:
        raise InputError(f"`{name}` must lie between 0 and 1, got {value!r}")


def check_key(key: Any) -> None:
    """Raise `InputError` unless `key` is one random key, of the new kind or the old one."""
    made = isinstance(key, jax.Array | np.ndarray)
    typed = made and jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    # Of the old kind, threefry has two numbers and rbg four.
    old = made and key.dtype == np.uint32 and key.shape in ((2,), (4,))
    if not ((typed and key.ndim == 0) or old):
        raise InputError(f"`key` must be one random key, as of `jax.random.key(0)`, got {key!r}")


def check_scalar(name: str, value: Any) -> None:
    """Raise `InputError` unless `value` is one number, finite and > 0."""
    if isinstance(value, bool | str) or np.ndim(value) != 0:
        raise InputError(f"`{name}` must be one positive number, got {value!r}")
    check_positive(name, value)


def check_kind(name: str, value: Any, kind: type) -> None:
    """Raise `InputError` unless `value` is an instance of `kind`."""
    if not isinstance(value, kind):
        fix = f": write {value.__name__}(...)" if isinstance(value, type) else ""
        raise InputError(f"`{name}` must be of the kind {kind.__name__}, got {value!r}{fix}")


def check_count(name: str, value: Any, *, minimum: int = 1) -> None:
    """Raise `InputError` unless `value` is an integer of at least `minimum`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < minimum:
        raise InputError(f"`{name}` must be an integer of at least {minimum}, got {value!r}")


def check_shape(name: str, got: tuple, expected: tuple, fix: str) -> None:
    """Raise `InputError` unless the shapes agree; `fix` says what to write instead."""
    if tuple(got) != tuple(expected):
        raise InputError(f"{name} has shape {tuple(got)}, expected {tuple(expected)}: {fix}")


def suggestion(word: str, valid: Iterable[str]) -> str:
    """' Did you mean ...?' with the nearest valid word, and the list of all."""
    valid = sorted(valid)
    near = difflib.get_close_matches(word, valid, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{hint} Valid: {', '.join(valid) if valid else '(none)'}."
