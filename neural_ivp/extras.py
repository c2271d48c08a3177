"""Libraries that only an extra of this package installs."""

import importlib
from typing import Any


class MissingExtraError(ModuleNotFoundError):
    """A library that only an extra of this package installs is missing."""


def optional(module: str, extra: str) -> Any:
    """The module of a library that only an extra of this package installs.

    **Raises:** `MissingExtraError`, which says what to install.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.split(".")[0]:
            raise
        raise MissingExtraError(
            f"{error.name} is not installed: pip install 'neural-ivp[{extra}]'", name=error.name
        ) from error
