"""The library's own warnings on the command line, a line each."""

import contextlib
import warnings
from collections.abc import Callable, Iterator

from ..errors import CheckpointWarning, FitWarning

_PLAIN = (FitWarning, CheckpointWarning)


@contextlib.contextmanager
def plain_warnings(write: Callable[[str], None]) -> Iterator[None]:
    """Pass the library's own warnings to `write`, one line each, without file and line number."""
    with warnings.catch_warnings():
        # "always": Python would show a warning only once in a process, which may have many runs.
        for category in _PLAIN:
            warnings.simplefilter("always", category)
        show = warnings.showwarning

        def plain(message, category, *place, **more) -> None:
            if issubclass(category, _PLAIN):
                write(f"warning: {message}")
            else:
                show(message, category, *place, **more)

        warnings.showwarning = plain  # catch_warnings restores it
        yield
