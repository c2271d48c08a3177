"""Full precision of matrix products in compiled functions.

GPUs multiply float32 matrices in TF32, of ten bits, unless told otherwise. Least squares, fits and
derivatives do not survive that: the errors are those of the products times the condition number.
The setting is made where a function is traced, and no configuration of JAX is changed.
"""

import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax


def full_precision(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with all its products in the precision of their arrays, those of the network and
    the right-hand side of a problem included."""

    @functools.wraps(function)
    def precise(*args: Any, **kwargs: Any) -> Any:
        with jax.default_matmul_precision("highest"):
            return function(*args, **kwargs)

    return precise


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """`equinox.filter_jit` with products of full precision."""
    return eqx.filter_jit(full_precision(function))
