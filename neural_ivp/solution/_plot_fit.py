"""A fit as arrays and labels for its figure."""

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from ..data import ScatteredData
from ..domains import AbstractDomain
from ..errors import InputError, check_kind, check_shape
from ..fitting import FitResult
from ..networks import flatten
from ..precision import compiled
from ..types import Field
from ._slice import slice_position

if TYPE_CHECKING:
    import matplotlib.figure


def plot_fit(
    fitted: FitResult, target: Field | ScatteredData, domain: AbstractDomain
) -> "matplotlib.figure.Figure":
    """Plot target, fit and pointwise error, and the held-out error over the steps of the stages.

    In two dimensions and more these are maps, in more of a plane through the largest values of the
    fit. Only the first component is drawn.

    **Arguments:**

    - `fitted`: what `fit` returned.
    - `target`, `domain`: what `fit` was given. For `ScatteredData` the errors are dots at all
      samples, the validation set included.

    **Returns:** a matplotlib `Figure`, whose `savefig` needs no display.

    **Raises:** `InputError` for an argument of the wrong kind, a target of other components or, if
    scattered, another domain.

    ```python
    stages, u0 = (nivp.LastLayer(num_points=100),), problem.initial
    fitted = nivp.fit(network, u0, problem.domain, stages, key=jax.random.key(0))
    nivp.plot_fit(fitted, u0, problem.domain).savefig("fit.png")
    ```
    """
    from .. import plotting  # here, to import matplotlib only for a figure

    check_kind("fitted", fitted, FitResult)
    check_kind("domain", domain, AbstractDomain)
    d = domain.dimension
    subtitle_parts = [
        plotting.parameter_count_label(flatten(fitted.network)[0].size),
        f"held-out relative $L^2$ error {plotting.scientific(fitted.relative_l2_error)}",
        f"largest error {plotting.scientific(fitted.scaled_maximum_error)}",
        f"{fitted.steps} steps",
    ]
    history = plotting.FitHistory(
        reports=[(part.stage, part.step, part.error) for part in fitted.history],
        endings=[stage.ending for stage in fitted.stages],
        final=fitted.relative_l2_error,
    )
    title = f"Fit in {d} dimension{'s' if d > 1 else ''}"
    return plotting.fit_figure(title, subtitle_parts, _compared(fitted, target, domain), history)


def _compared(fitted: FitResult, target: Field | ScatteredData, domain: AbstractDomain) -> Any:
    """Fit, target and error at the points of the figure, or the latter two at the samples."""
    from .. import plotting

    dtype = flatten(fitted.network)[0].dtype
    position = None
    if domain.dimension > 2:
        fit_at = lambda x: _first(_values(fitted.field, jnp.asarray(x, dtype)))[None]  # noqa: E731
        position = slice_position(fit_at, domain)
    points = plotting.field_points(domain, position=position)
    x = jax.ShapeDtypeStruct((domain.dimension,), dtype)
    shape = jax.eval_shape(fitted.network, x).shape
    fit = _values(fitted.field, jnp.asarray(points, dtype))
    scattered = isinstance(target, ScatteredData)
    if scattered:
        if target.domain != domain:
            raise InputError(
                "`target` has samples of another domain than `domain`: give the one of the fit"
            )
        fix = "give the samples that were fitted"
        check_shape("one sample of `target`", (target.components,), shape, fix)
        # On a torus only one of the images of a point lies in the figure.
        known, targets = np.asarray(jax.vmap(domain.wrap)(target.points)), target.values
        fit_known = _values(fitted.field, jnp.asarray(known, dtype))
    else:
        value = getattr(jax.eval_shape(target, x), "shape", ())
        check_shape("the value of `target`", value, shape, "give the function that was fitted")
        known, fit_known = points, fit
        targets = _values(target, jnp.asarray(points, dtype))
    fit, fit_known, targets = (_first(values) for values in (fit, fit_known, targets))
    error = np.abs(fit_known - targets)
    parts = domain, points, fit, known, targets, error, scattered, shape[0], position
    return plotting.FitData(*parts)


@compiled
def _values(field: Field, points: jax.Array) -> jax.Array:
    return jax.vmap(field)(points)


def _first(values: jax.Array) -> np.ndarray:
    column = np.asarray(values, float)[:, 0]
    return np.where(np.isfinite(column), column, np.nan)
