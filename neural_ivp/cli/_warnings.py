"""Warnings of the library as a line for people."""

import contextlib
import warnings
from collections.abc import Callable, Iterator

from ..errors import CheckpointWarning, FitWarning

_PLAIN = (FitWarning, CheckpointWarning)


@contextlib.contextmanager
def plain_warnings(write: Callable[[str], None]) -> Iterator[None]:
    """Give the library's own warnings to `write`, a line each, without their place in the code."""
    with warnings.catch_warnings():
        # Once more for each run of a process, which Python would not say again.
        for category in _PLAIN:
            warnings.simplefilter("always", category)
        show = warnings.showwarning

        def plain(message, category, *place, **more) -> None:
            if issubclass(category, _PLAIN):
                write(f"warning: {message}")
            else:
                show(message, category, *place, **more)

        warnings.showwarning = plain  # put back by catch_warnings
        yield
