"""Warnings of the library as a line for people."""

import contextlib
import warnings
from collections.abc import Callable, Iterator

from ..solve import FitWarning


@contextlib.contextmanager
def plain_warnings(write: Callable[[str], None]) -> Iterator[None]:
    """Give a `FitWarning` to `write` as one line, without the place in the code that made it."""
    with warnings.catch_warnings():
        # Once more for each run of a process, which Python would not say again.
        warnings.simplefilter("always", FitWarning)
        show = warnings.showwarning

        def plain(message, category, *place, **more) -> None:
            if issubclass(category, FitWarning):
                write(f"warning: {message}")
            else:
                show(message, category, *place, **more)

        warnings.showwarning = plain  # put back by catch_warnings
        yield
