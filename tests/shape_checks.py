"""Run-time checks of the annotated shapes and dtypes of arrays.

Other annotations are checked by pyright, and what users pass by the library itself: its errors
name the argument and the fix, so these checks must not come before them.
"""

from typing import get_args

import jaxtyping
from beartype import BeartypeConf, beartype

# For `install_import_hook`.
NAME = "tests.shape_checks.shape_checked"
_checked = beartype(conf=BeartypeConf(is_pep484_tower=True))


def shape_checked(function):
    """`function` with checks of those of its annotations that contain a shape; what is wrong with a
    key the library says itself."""
    hints = function.__annotations__.items()
    kept = {name: hint for name, hint in hints if _has_shape(hint) and name != "key"}
    function.__annotations__ = kept
    return _checked(function) if kept else function


def _has_shape(hint) -> bool:
    if isinstance(hint, type) and issubclass(hint, jaxtyping.AbstractArray):
        return True
    return any(_has_shape(part) for part in get_args(hint))
