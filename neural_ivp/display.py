"""Objects in a few lines: a title and rows of label and text, in print and in a notebook."""

import abc
import dataclasses
import functools
import html
import inspect
import types
from collections.abc import Iterable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
import numpy as np

# Characters of one row, entries of a sequence and numbers of an array beyond which it is cut short.
WIDTH, ENTRIES, NUMBERS = 88, 6, 9


class AbstractDisplayed(abc.ABC):
    """An object that is printed as its title and a line for each row; HTML in a notebook."""

    @abc.abstractmethod
    def _summary(self) -> tuple[str, Mapping[str, str]]:
        """The title, and a text for each label."""

    def __repr__(self) -> str:
        title, rows = self._summary()
        width = max(map(len, rows), default=0)
        return "\n".join([_cut(title), *(f"  {k:<{width}}  {_cut(v)}" for k, v in rows.items())])

    def _repr_html_(self) -> str:
        title, rows = self._summary()
        left = ' style="text-align: left"'
        lines = (
            f"<tr><th{left}>{html.escape(k)}</th><td{left}>{html.escape(_cut(v))}</td></tr>"
            for k, v in rows.items()
        )
        return f"<table><caption{left}>{html.escape(_cut(title))}</caption>{''.join(lines)}</table>"


def settings(part: Any, leave_out: Iterable[str] = (), *, defaults: bool = True) -> dict[str, str]:
    """The arguments with which an object was made and that are its fields or properties, in short;
    without those that are None or empty, and without `defaults` those that have their default."""
    fields = {field.name for field in dataclasses.fields(part)}
    rows = {}
    for name, parameter in inspect.signature(type(part)).parameters.items():
        known = name in fields or isinstance(getattr(type(part), name, None), property)
        if known and name not in leave_out:
            value = getattr(part, name)
            if not _is_empty(value) and (defaults or not _is_default(value, parameter.default)):
                rows[name] = short(value)
    return rows


def count(number: int) -> str:
    """A number with its thousands apart."""
    return f"{number:_}".replace("_", " ")


def short(value: Any) -> str:
    """A value in at most a line."""
    return _cut(_short(value))


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 3]}..."


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, tuple | dict) and not value)


def _is_default(value: Any, default: Any) -> bool:
    plain = isinstance(default, bool | int | float | str | tuple) and default is not None
    return plain and not isinstance(value, eqx.Module) and np.array_equal(value, default)


@functools.singledispatch
def _short(value: Any) -> str:
    if callable(value):
        return f"<{type(value).__name__}>"
    return repr(value)


@_short.register
def _(value: eqx.Module) -> str:
    # Parts are objects of a few settings.
    inner = ", ".join(f"{name}={text}" for name, text in settings(value, defaults=False).items())
    return f"{type(value).__name__}({inner})"


@_short.register
def _(value: str) -> str:
    return value


@_short.register
def _(value: float) -> str:
    return f"{value:.5g}"


@_short.register(jax.Array)
@_short.register(np.ndarray)
@_short.register(np.generic)
def _(value: Any) -> str:
    if value.size > NUMBERS or not jnp.issubdtype(value.dtype, np.number):
        return f"{value.dtype}{list(value.shape)}"
    return _short(np.asarray(value).tolist())


@_short.register
def _(value: jax.core.Tracer) -> str:
    return f"traced {value.dtype}{list(value.shape)}"


@_short.register(tuple)
@_short.register(list)
def _(value: Any) -> str:
    entries = [_short(entry) for entry in value[:ENTRIES]]
    end = ", ..." if len(value) > ENTRIES else "," if len(value) == 1 else ""
    return f"({', '.join(entries)}{end})"


@_short.register(dict)
def _(value: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}: {_short(entry)}" for key, entry in value.items())


@_short.register
def _(value: types.FunctionType) -> str:
    return value.__name__
