"""The errors of the library and the checks that raise them.

A message names the argument as the user typed it, the value that was passed, and the fix.
"""

import difflib
from collections.abc import Iterable
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np


class InputError(ValueError):
    """An argument, a configuration or a file cannot be used.

    ```python
    try:
        nivp.Uniform(num_points=0)
    except nivp.InputError as error:
        print(error)
    ```
    """


class SolveError(RuntimeError):
    """A solve failed before the last time; `solution` holds the states until then.

    ```python
    try:
        nivp.solve(problem, network, method, ts=[0.0, 0.01], key=jax.random.key(0))
    except nivp.SolveError as error:
        print(error, error.solution.ts)
    ```
    """

    def __init__(self, message: str, solution: Any):
        super().__init__(message)
        self.solution = solution


class SolveInterrupted(KeyboardInterrupt):
    """A solve was interrupted (Ctrl-C); `solution` holds the states until then.

    ```python
    try:
        nivp.solve(problem, network, method, ts=[0.0, 0.01], key=jax.random.key(0))
    except nivp.SolveInterrupted as interrupt:  # a KeyboardInterrupt, so it ends loops too
        interrupt.solution.save("partial.nivp")
    ```
    """

    def __init__(self, message: str, solution: Any):
        super().__init__(message)
        self.solution = solution


class FitWarning(UserWarning):
    """A fit is worse than the tolerance of the steps, or may have missed its target.

    ```python
    import warnings
    warnings.simplefilter("error", nivp.FitWarning)  # a bad fit stops the script
    ```
    """


class BoundaryWarning(UserWarning):
    """A condition at the boundary contradicts the initial value; the solve continues.

    ```python
    import warnings
    warnings.simplefilter("error", nivp.BoundaryWarning)  # a contradiction stops the script
    ```
    """


class FormWarning(UserWarning):
    """A problem has a form for which there is a better class; the solve continues.

    ```python
    import warnings
    warnings.simplefilter("ignore", nivp.FormWarning)  # the pair is meant
    ```
    """


class CheckpointWarning(UserWarning):
    """A checkpoint could not be written; the solve continues.

    ```python
    import warnings
    warnings.simplefilter("error", nivp.CheckpointWarning)  # a full disk stops the script
    ```
    """


# The largest value of an argument that counts something. One above it is taken for a mistake: it
# would fill the memory, or run for hours, without a word.
LARGEST = {
    "dimension": 1_000,
    "components": 1_000,
    "depth": 1_000,
    "num_frequencies": 1_000,
    "num_points": 10_000_000,
    "num_samples": 100_000_000,
    "oversampling": 10_000,
    "rank": 10_000_000,
    "num_saves": 1_000_000,
}


def concrete(name: str, value: Any) -> np.ndarray | None:
    """`value` as a numpy array, or None while it is traced (a gradient of a coefficient)."""
    if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(value)):
        return None
    try:
        array = np.asarray(value)
        # Words, truth values and complex numbers, which numpy would convert too.
        if array.dtype.kind not in "bSUOc":
            return array.astype(float)
    except (TypeError, ValueError) as error:
        raise InputError(f"`{name}` must be a number or numbers, got {value!r}") from error
    raise InputError(f"`{name}` must be a number or numbers, got {value!r}")


def finite_array(name: str, value: Any) -> np.ndarray:
    """`value` as a float64 array of finite numbers."""
    if value is None:
        raise InputError(f"`{name}` must be an array of numbers, got None")
    if np.iscomplexobj(value):
        raise InputError(f"`{name}` is complex: give real and imaginary part as two components")
    if isinstance(value, np.ma.MaskedArray):  # numpy would use the masked entries
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


def check_all_positive(name: str, value: Any, *, zero: bool = False) -> None:
    """Raise `InputError` unless every entry of `value` is finite and > 0 (>= 0 with `zero`)."""
    array = concrete(name, value)
    if array is None:
        return
    in_range = array >= 0 if zero else array > 0
    if not np.all(np.isfinite(array) & in_range):
        sign = "non-negative" if zero else "positive"
        raise InputError(f"`{name}` must be finite and {sign}, got {value!r}")


def check_fraction(name: str, value: Any) -> None:
    """Raise `InputError` unless `value` is one number between 0 and 1, both excluded."""
    check_positive(name, value)
    array = concrete(name, value)
    if array is not None and not array < 1:
        raise InputError(f"`{name}` must lie between 0 and 1, got {value!r}")


def check_key(key: Any) -> None:
    """Raise `InputError` unless `key` is one random key, typed or legacy."""
    is_array = isinstance(key, jax.Array | np.ndarray)
    typed = is_array and jnp.issubdtype(key.dtype, jax.dtypes.prng_key) and key.ndim == 0
    # A legacy threefry key has two numbers, a legacy rbg key four.
    legacy = is_array and key.dtype == np.uint32 and key.shape in ((2,), (4,))
    if not (typed or legacy):
        raise InputError(f"`key` must be one random key, as of `jax.random.key(0)`, got {key!r}")


def check_positive(name: str, value: Any, *, zero: bool = False) -> None:
    """Raise `InputError` unless `value` is one number, finite and > 0 (>= 0 with `zero`)."""
    if isinstance(value, bool | str) or np.ndim(value) != 0:
        sign = "non-negative" if zero else "positive"
        raise InputError(f"`{name}` must be one {sign} number, got {shown(value)}")
    check_all_positive(name, value, zero=zero)


def check_kind(name: str, value: Any, kind: type) -> None:
    """Raise `InputError` unless `value` is an instance of `kind`."""
    if not isinstance(value, kind):
        fix = f": write {value.__name__}(...)" if isinstance(value, type) else ""
        article = "an" if kind.__name__[0].lower() in "aeio" else "a"
        raise InputError(f"`{name}` must be {article} {kind.__name__}, got {shown(value)}{fix}")


def check_count(name: str, value: Any, *, minimum: int = 1) -> None:
    """Raise `InputError` unless `value` is an integer of at least `minimum`, and not above the
    entry of `name` in `LARGEST`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < minimum:
        raise InputError(f"`{name}` must be an integer of at least {minimum}, got {shown(value)}")
    check_largest(name, int(value))


def check_largest(name: str, value: int, subject: str | None = None) -> None:
    """Raise `InputError` for a value above the entry of `name` in `LARGEST`.

    `subject` says what has it, the argument itself if not given.
    """
    largest = LARGEST.get(name, value)
    if value > largest:
        raise InputError(f"{subject or f'`{name}`'} must be at most {largest}, got {value}")


def shown(value: Any) -> str:
    """`repr(value)` for an error message: one line, cut where it is long."""
    line = repr(value).partition("\n")[0]
    return line if len(line) <= 200 else f"{line[:197]}..."


def check_shape(name: str, shape: tuple, expected: tuple, fix: str) -> None:
    """Raise `InputError` unless the shapes agree; `fix` says what to write instead."""
    if tuple(shape) != tuple(expected):
        raise InputError(f"{name} has shape {tuple(shape)}, expected {tuple(expected)}: {fix}")


def suggestion(word: str, valid: Iterable[str]) -> str:
    """The end of an error message: " Did you mean ...?" and all valid words."""
    valid = sorted(valid)
    nearest = difflib.get_close_matches(word, valid, n=1)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    return f"{hint} Valid: {', '.join(valid) if valid else '(none)'}."


def nearest(word: str, valid: Iterable[str]) -> str:
    """ " Did you mean ...?", for an error message; empty if no valid word resembles `word`."""
    lower = {name.lower(): name for name in valid}
    found = difflib.get_close_matches(word.lower(), lower, n=1)
    return f" Did you mean {lower[found[0]]!r}?" if found else ""
