"""What the picture of a fit draws: fit and target where both are known."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._errors import InputError, check_shape
from .._types import Field
from ..domains import AbstractDomain
from ..networks import AbstractNetwork, flatten
from ..targets import Scattered


@dataclass(frozen=True)
class Comparison:
    """The first component of a fit and of its target; NaN where one is not finite.

    - `points`, `fit`: where the fit is drawn, shape (n, d), and its values there, shape (n,).
    - `known`, `target`, `error`: where the target is known, shape (m, d), its values and
      |fit - target| there, shape (m,).
    - `scattered`: whether these are samples at points of their own.
    - `components`: how many there are in all.
    """

    points: np.ndarray
    fit: np.ndarray
    known: np.ndarray
    target: np.ndarray
    error: np.ndarray
    scattered: bool
    components: int


def compare(
    network: AbstractNetwork,
    target: Field | Scattered,
    domain: AbstractDomain,
    points: np.ndarray,
) -> Comparison:
    """Evaluate both: at `points`, of shape (n, d), or the target where it has samples.

    **Raises:** `InputError` for a target of other components or, if scattered, another domain.
    """
    dtype = flatten(network)[0].dtype
    x = jax.ShapeDtypeStruct((domain.dimension,), dtype)
    shape = jax.eval_shape(network, x).shape
    fit = _values(network, jnp.asarray(points, dtype))
    scattered = isinstance(target, Scattered)
    if isinstance(target, Scattered):
        if target.domain != domain:
            raise InputError(
                "`target` has samples of another domain than `domain`: give the one of the fit"
            )
        fix = "give the samples that were fitted"
        check_shape("one sample of `target`", (target.components,), shape, fix)
        # On a torus any image of a point will do, but only one lies in the picture.
        known, wanted = np.asarray(jax.vmap(domain.wrap)(target.points)), target.values
        there = _values(network, jnp.asarray(known, dtype))
    else:
        value = getattr(jax.eval_shape(target, x), "shape", ())
        check_shape("the value of `target`", value, shape, "give the function that was fitted")
        known, there = points, fit
        wanted = _values(target, jnp.asarray(points, dtype))
    fit, there, wanted = (_first(values) for values in (fit, there, wanted))
    error = np.abs(there - wanted)
    return Comparison(points, fit, known, wanted, error, scattered, shape[0])


@eqx.filter_jit
def _values(field: Field, points: jax.Array) -> jax.Array:
    return jax.vmap(field)(points)


def _first(values: jax.Array) -> np.ndarray:
    column = np.asarray(values, float)[:, 0]
    return np.where(np.isfinite(column), column, np.nan)
