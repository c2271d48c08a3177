"""One figure of a fit: fit and target above, how the fit went below."""

from matplotlib.figure import Figure

from .._errors import check_kind
from .._types import Field
from ..domains import AbstractDomain
from ..fitting import Fitted
from ..networks import flatten
from ..targets import Scattered
from ._canvas import Canvas
from ._fit_fields import draw_fit_lines, draw_fit_maps
from ._fit_history import draw_history
from ._style import scientific, size_words


def fit_figure(fitted: Fitted, target: Field | Scattered, domain: AbstractDomain) -> Figure:
    """Target, fit and pointwise error, and the held-out error over the steps of the stages.

    In two dimensions and more these are maps of a plane through the centre of the domain. Of
    several components the first is drawn.

    **Arguments:**

    - `fitted`: what `fit` returned.
    - `target`, `domain`: what was given to `fit`. The errors at `Scattered` samples are dots,
      those that were held out among them.

    **Returns:** a matplotlib `Figure` with a canvas of its own: `savefig` needs no display.

    **Raises:** `InputError` for a part of the wrong kind, a target of other components or, if
    scattered, another domain.
    """
    check_kind("fitted", fitted, Fitted)
    check_kind("domain", domain, AbstractDomain)
    d = domain.dimension
    canvas = Canvas(f"Fit in {d} dimension{'s' if d > 1 else ''}")
    draw = draw_fit_lines if d == 1 else draw_fit_maps
    height, notes = draw(canvas.above, fitted, target, domain)
    facts = [
        size_words(flatten(fitted.network)[0].size),
        f"held-out relative $L^2$ error {scientific(fitted.relative_l2_error)}",
        f"largest error {scientific(fitted.maximum_error)}",
        f"{fitted.steps} steps",
    ]
    canvas.arrange(height, [" · ".join(part) for part in (facts, notes) if part])
    draw_history(canvas.below, fitted)
    return canvas.figure
